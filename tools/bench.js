/** `npm run bench`: bundles the command line, which is measured, and bench/, then runs bench/main.ts. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as bundle } from "esbuild";
import { build, bundling } from "./build.js";

const home = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Each a bundle of its own, in a folder as deep in the repository as its source. Those of the peers lie beside their packages. */
async function benchBundles() {
  const children = ["usage", "firstStep", "steps"].map((name) => [name, `bench/children/${name}.ts`]);
  const main = { entryPoints: { main: "bench/main.ts", ...Object.fromEntries(children) }, outdir: "dist/bench" };
  const peers = ["kiln", "tfjs", "jax", "onnx"].map((name) => `bench/peers/${name}.ts`);
  await Promise.all([
    bundle({ ...bundling, ...main }),
    bundle({ ...bundling, entryPoints: peers, outdir: "bench/peers/dist" }),
  ]);
}

await Promise.all([build({ types: false }), benchBundles()]);
await import(pathToFileURL(join(home, "dist", "bench", "main.js")).href);
