/** The network of tinyArtifact.ts, compiled for WebAssembly. */
import { assemble, compile } from "../../compiler/index.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { batch, classes } from "./tinyArtifact.ts";

const text = `import { dense, flatten, image, model } from "kiln";
export default model({ input: image(3, 2, 2, { mean: 127.5, std: 64 }), classes: ${classes} }, (x) =>
  dense(flatten(x), { units: ${classes}, bias: false }),
);
`;
const { artifact, diagnostics } = compile(
  { path: "tiny.ts", read: (path) => (path === "tiny.ts" ? text : undefined) },
  { batch, target: loadTarget("wasm"), velocity: true },
);
if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));

export const tinyWasm = await assemble(artifact);
