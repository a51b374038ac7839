/** The package as it is published: packed, installed into an empty folder, used there. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { Project, SyntaxKind } from "ts-morph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, tinyModel } from "../cli/kiln.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "kiln-package-"));
const installed = join(folder, "node_modules", "kiln");
afterAll(() => rmSync(folder, { recursive: true }));

const here = (command: string, ...args: string[]) => run(command, args, { cwd: folder });
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

beforeAll(async () => {
  await run("npm", ["pack", "--pack-destination", folder], { cwd: root });
  const [archive] = readdirSync(folder);
  mkdirSync(folder, { recursive: true });
  write("package.json", '{ "name": "user", "private": true, "type": "module" }\n');
  await here("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", `./${archive}`);
  write("model.ts", tinyModel);
  await here("npx", "kiln", "compile", "model.ts", "--batch", "2", "--target", "adapter", "-o", "built");
}, 300_000);

test("holds what it needs, and none of the sources", () => {
  expect(readdirSync(installed).sort()).toEqual(
    ["LICENSE", "NOTICE", "README.md", "bin", "dist", "docs", "models", "package.json", "tools"].sort(),
  );
  expect(readdirSync(join(installed, "tools"))).toEqual(["install-lavapipe"]);
  expect(readdirSync(join(installed, "dist")).sort()).toEqual(
    [
      "chunks",
      "cli.js",
      "compiler.js",
      "dsl.js",
      "node.js",
      "pages",
      "runtime.js",
      "types",
      "vitest.js",
      "wasm.js",
    ].sort(),
  );
});

test("npx kiln train model.ts", async () => {
  const args = ["--data", "synthetic", "--batch", "8", "--steps", "3", "--eval-limit", "8", "--log", "log.jsonl"];
  const { stdout, stderr } = await here("npx", "kiln", "train", "model.ts", ...args);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^Epoch 0\. Loss: \d\.\d+, Train_acc [\d.]+, Test_acc [\d.]+$/m);
  expect(readFileSync(join(folder, "log.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(5);
});

describe("as a library", () => {
  const program = `import { readFileSync } from "node:fs";
import { assemble, compile, formatDiagnostics } from "kiln/compiler";
import { createSession, type Session } from "kiln/runtime";
import { openDevice } from "kiln/node";

const read = (path: string) => readFileSync(path, "utf8");
const { device, target } = await openDevice();
const { artifact, diagnostics } = compile({ path: "model.ts", read }, { target, batch: 2 });
if (!artifact) throw new Error(formatDiagnostics(diagnostics));
const session: Session = await createSession(device, await assemble(artifact), { entries: ["forward"] });
session.writeInput("forward", "input", new Float32Array(2 * 3 * 32 * 32));
await session.run("forward");
const output: Float32Array = await session.readOutput("forward", "output");
console.log(output.length, output.every((value) => value === 0));
`;

  test("compiles a model and runs it", async () => {
    // As TypeScript strips it: the one type import and annotation go.
    write("use.js", program.replace(", type Session", "").replace(/: (string|Session|Float32Array)\b/g, ""));
    const { stdout } = await here("node", "use.js");
    expect(stdout).toBe("20 true\n");
  });

  test("an artifact's typed module loads it", async () => {
    const { code } = transformSync(readFileSync(join(folder, "built/model.ts"), "utf8"), { loader: "ts" });
    write("built/model.js", code);
    write(
      "load.js",
      `import { openDevice } from "kiln/node";
import { inputShape, load, target } from "./built/model.js";
const model = await load((await openDevice({ program: target })).device);
model.writeInput("forward", "input", new Float32Array(inputShape.reduce((a, b) => a * b)));
await model.run("forward");
console.log((await model.readOutput("forward", "output")).length, (await model.readState("dense_1.bias")).length);
`,
    );
    const { stdout } = await here("node", "load.js");
    expect(stdout).toBe("20 10\n");
  });

  test.each([
    { module: "nodenext", moduleResolution: "nodenext", skipLibCheck: false }, // its own declarations are checked too
    { module: "esnext", moduleResolution: "bundler", skipLibCheck: true },
  ])("is typed with %j", async (resolution) => {
    write("use.ts", `${program}// @ts-expect-error: no such option\ncompile({ path: "m", read }, { batches: 2 });\n`);
    // As if @types/node were installed too.
    const typeRoots = [join(root, "node_modules/@types")];
    const lib = ["es2023", "dom"];
    const compilerOptions = {
      noEmit: true,
      strict: true,
      target: "es2022",
      lib,
      types: ["node"],
      typeRoots,
      ...resolution,
    };
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["use.ts", "model.ts", "built/model.ts"] }));
    const result = await here("node", join(root, "node_modules/typescript/bin/tsc"), "-p", ".").catch((error) => error);
    expect(result.stdout).toBe("");
  });

  test("every exported function and class is documented", () => {
    const project = new Project({
      compilerOptions: { allowImportingTsExtensions: true },
      skipAddingFilesFromTsConfig: true,
    });
    const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const undocumented: string[] = [];
    for (const [entry, { types }] of Object.entries<{ types: string }>(exports)) {
      const file = project.addSourceFileAtPath(join(installed, types));
      project.resolveSourceFileDependencies();
      let functions = 0;
      for (const [name, declarations] of file.getExportedDeclarations())
        for (const declaration of declarations) {
          const kind = declaration.getKindName();
          if (!["FunctionDeclaration", "ClassDeclaration", "VariableDeclaration"].includes(kind)) continue;
          functions++;
          const documented = declaration.getFirstAncestorByKind(SyntaxKind.VariableStatement) ?? declaration;
          if (!/^\s*\/\*\*/.test(documented.getFullText())) undocumented.push(`${entry}: ${name}`);
        }
      expect(functions, entry).toBeGreaterThan(entry === "./vitest" ? 0 : 3);
    }
    expect(undocumented).toEqual([]);
  });
});

describe("kiln/vitest", () => {
  /** Runs the suite, on WebAssembly, which every machine has. */
  const vitest = async (...args: string[]) => {
    const env = { ...process.env, KILN_ADAPTER: "wasm", NO_COLOR: "1", CI: "" };
    for (const name of Object.keys(env)) if (name.startsWith("VITEST")) delete env[name as keyof typeof env];
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const run = promisify(execFile)("node", [vitest, "run", ...args], { cwd: folder, env });
    return run.then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      ({ code, stdout, stderr }) => ({ code, text: stdout + stderr }),
    );
  };

  beforeAll(() => {
    // As if the user had installed it.
    symlinkSync(join(root, "node_modules/vitest"), join(folder, "node_modules/vitest"));
    write("vitest.config.js", `export default { test: { include: ["golden.test.ts"], testTimeout: 60_000 } };\n`);
    write(
      "golden.test.ts",
      `import { expect, test } from "vitest";
import { toMatchKiln } from "kiln/vitest";

expect.extend({ toMatchKiln });
test("mine", async () => {
  await expect("model.ts").toMatchKiln({ dir: "golden/mine", batch: 2 });
  await expect(new URL("model.ts", import.meta.url)).toMatchKiln({ dir: "golden/mine" });
});
`,
    );
  });

  test("goldens that are missing fail in CI, are written elsewhere, and hold", async () => {
    const ci = await vitest("--update=none");
    expect(ci).toMatchObject({ code: 1, text: expect.stringContaining("golden/mine holds no goldens of model.ts") });
    expect(await vitest()).toMatchObject({ code: 0 });
    expect(readdirSync(join(folder, "golden/mine"))).toContain("numbers.safetensors");
    expect(await vitest("--update=none")).toMatchObject({ code: 0 });
  });

  test("a changed model fails readably, and -u accepts it", async () => {
    write("model.ts", tinyModel.replace("kernel: 2", "kernel: 3"));
    const { code, text } = await vitest();
    expect(code).toBe(1);
    expect(text).toContain("Error: golden/mine is not what Kiln makes of model.ts: ");
    expect(text).toMatch(/^-%maxPool2d_1.*\{ kernel: \[2, 2\]/m);
    expect(text).toMatch(/^\+%maxPool2d_1.*\{ kernel: \[3, 3\]/m);
    expect(text).toContain("If that is meant: vitest run -u");
    expect(await vitest("-u")).toMatchObject({ code: 0 });
    expect(await vitest()).toMatchObject({ code: 0 });
    expect(await here("npx", "kiln", "golden", "model.ts", "--dir", "golden/mine")).toMatchObject({
      stderr: expect.stringContaining("are as they were"),
    });
  });

  test("is typed", async () => {
    write(
      "typed.ts",
      `import { expect } from "vitest";
import "kiln/vitest";
await expect("model.ts").toMatchKiln({ dir: "d", target: "portable", stages: ["graph"], set: { channels: 3 } });
// @ts-expect-error: no such stage
await expect("model.ts").toMatchKiln({ dir: "d", stages: ["moon"] });
`,
    );
    const compilerOptions = { noEmit: true, strict: true, module: "nodenext", target: "es2022", skipLibCheck: true };
    const typeRoots = [join(root, "node_modules/@types")];
    write(
      "tsconfig.json",
      JSON.stringify({ compilerOptions: { ...compilerOptions, types: ["node"], typeRoots }, files: ["typed.ts"] }),
    );
    const result = await here("node", join(root, "node_modules/typescript/bin/tsc"), "-p", ".").catch((error) => error);
    expect(result.stdout).toBe("");
  });
});
