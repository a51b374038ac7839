/** Who may import whom (DESIGN: data flows one way; the runtime stands alone), and how long a file may be. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { ts } from "ts-morph";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const mostLines = 420;

/** TypeScript files in a folder, as paths from the root with forward slashes; none where there is no folder. */
const filesIn = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
        .filter((file) => file.endsWith(".ts"))
        .sort()
    : [];

const textOf = (file: string): string => readFileSync(join(root, file), "utf8");

/** Everything that a file imports, also types and dynamically: a path from the root, or the name of a package. */
const importsOf = (file: string): string[] =>
  ts
    .preProcessFile(textOf(file))
    .importedFiles.map(({ fileName }) =>
      fileName.startsWith(".") ? normalize(join(dirname(file), fileName)).replaceAll("\\", "/") : fileName,
    );

/** Imports of these files that are not allowed: `file -> import`. */
const forbidden = (files: readonly string[], allowed: (path: string, file: string) => boolean): string[] =>
  files.flatMap((file) =>
    importsOf(file)
      .filter((path) => !allowed(path, file))
      .map((path) => `${file} -> ${path}`),
  );

const under = (path: string, ...folders: string[]): boolean => folders.some((folder) => path.startsWith(`${folder}/`));
const isPackage = (path: string): boolean => !/^(\.\.|compiler|runtime|cli|models|test|bin|tools)(\/|$)/.test(path);

const compiler = filesIn("compiler");
const runtime = filesIn("runtime");
const browser = runtime.filter((file) => !under(file, "runtime/node"));

/** Global names that a file uses, properties of that name not counted. */
function globalsOf(file: string, names: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const { parent } = node;
    const isProperty =
      parent !== undefined &&
      ((ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent)) &&
          parent.name === node));
    if (ts.isIdentifier(node) && names.includes(node.text) && !isProperty) found.push(`${file}: ${node.text}`);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.ES2022, true));
  return found;
}

describe("imports", () => {
  test("there is something to check", () => {
    expect(compiler).toContain("compiler/ir/graph.ts");
    expect(browser).toContain("runtime/program/schema.ts");
    expect(importsOf("compiler/passes/fusion.ts")).toContain("runtime/program/schema.ts");
  });

  test("the compiler takes nothing from the runtime but the artifact's schema, and nothing from the command line", () => {
    expect(forbidden(compiler, (path) => isPackage(path) || under(path, "compiler", "runtime/program"))).toEqual([]);
  });

  test("the compiler needs no device and no clock", () => {
    expect(forbidden(compiler, (path) => path !== "webgpu" && path !== "node:perf_hooks")).toEqual([]);
    const globals = ["navigator", "performance", "Date", "setTimeout"];
    expect(compiler.flatMap((file) => globalsOf(file, globals))).toEqual([]);
  });

  test("the runtime takes nothing from the compiler or the command line", () => {
    expect(forbidden(runtime, (path) => isPackage(path) || under(path, "runtime"))).toEqual([]);
  });

  test("the runtime outside runtime/node runs in a tab: no package, nothing of Node", () => {
    expect(forbidden(browser, (path) => under(path, "runtime") && !under(path, "runtime/node"))).toEqual([]);
    const globals = ["Buffer", "process", "require", "__dirname", "__filename", "setImmediate", "global"];
    expect(browser.flatMap((file) => globalsOf(file, globals))).toEqual([]);
  });

  test("the artifact's schema and what stands with it import nothing else", () => {
    const program = filesIn("runtime/program");
    expect(forbidden(program, (path) => under(path, "runtime/program"))).toEqual([]);
  });

  test("a model file imports kiln and other model files", () => {
    const isModel = (path: string) => path === "kiln" || under(path.endsWith(".ts") ? path : `${path}.ts`, "models");
    expect(forbidden(filesIn("models"), isModel)).toEqual([]);
  });

  test("relative imports name a file, ending and all", () => {
    const files = [...compiler, ...runtime, ...filesIn("cli")];
    const named = (path: string) => isPackage(path) || /\.(ts|json)$/.test(path);
    expect(forbidden(files, named)).toEqual([]);
  });
});

test(`no file has more than ${mostLines} lines`, () => {
  const long = [...compiler, ...runtime, ...filesIn("cli")]
    .map((file) => ({ file, lines: textOf(file).split("\n").length - 1 }))
    .filter(({ lines }) => lines > mostLines);
  expect(long).toEqual([]);
});
