/** What an editor makes of model files: the DSL's declarations, checked by TypeScript. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;

/** Type errors, as `file:line message`. `extra` holds files that exist in memory alone. */
const typeErrors = (files: string[], extra: Readonly<Record<string, string>> = {}): string[] => {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: [],
    paths: { kiln: [join(root, "compiler/dsl/index.ts")] },
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.readFile = (path) => extra[path] ?? readFile(path);
  host.fileExists = (path) => path in extra || fileExists(path);
  host.getSourceFile = (path, version) => {
    const text = host.readFile(path);
    return text === undefined ? undefined : ts.createSourceFile(path, text, version);
  };
  const program = ts.createProgram([...files, ...Object.keys(extra)], options, host);
  return ts.getPreEmitDiagnostics(program).map((d) => {
    const line = d.file ? d.file.getLineAndCharacterOfPosition(d.start ?? 0).line + 1 : 0;
    return `${d.file?.fileName.replace(root, "")}:${line} ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`;
  });
};

const modelFiles = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(root, folder, file));

test("every model file is free of type errors", { timeout: 60_000 }, () => {
  const files = [...modelFiles("test/reference"), ...modelFiles("models")];
  expect(files.length).toBeGreaterThan(60);
  expect(typeErrors(files)).toEqual([]);
});

test("wrong uses are type errors, each on its line", { timeout: 60_000 }, () => {
  const path = join(root, "wrong.ts");
  const text = `import { conv2d, dense, image, maxPool2d, model, split } from "kiln";
export default model({ input: image(3, 8, 8) }, (x, { width = 1 }) => {
  conv2d(x, { channels: 4 * width });
  conv2d(x, { channels: 4, kernel: "3" });
  conv2d(x, { channels: 4, kernel: [3, 3, 3] });
  conv2d(x, { channels: 4, kernel: 3, activation: "gelu" });
  maxPool2d(x, { kernal: 2 });
  dense(split(x, { sections: 2, axis: 1 }), { units: 3 });
  return conv2d(x, { channels: 4, kernel: [3, 1], stride: 2, bias: false, activation: "relu", name: "stem" });
});
export const other = model({ input: image(3, 8, 8), classes: "ten" }, (x) => x);
`;
  const lines = typeErrors([], { [path]: text }).map((e) => Number(/:(\d+) /.exec(e)![1]));
  expect([...new Set(lines)]).toEqual([3, 4, 5, 6, 7, 8, 11]);
});

test("calling a declaration says that model files are not run", async () => {
  const { conv2d } = await import("../../compiler/dsl/index.ts");
  expect(() => conv2d({ kind: "tensor" }, { channels: 1, kernel: 1 })).toThrow(
    'conv2d: a model file is compiled, not run; use "kiln compile" or "kiln train"',
  );
});
