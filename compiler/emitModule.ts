/** The artifact's typed module, `<model>.ts`: what a program that uses the model imports. */
import { IndentationText, Project, QuoteKind, VariableDeclarationKind } from "ts-morph";
import type { Program } from "../runtime/program/schema.ts";

/** A model's name as the name of a type: `res-net18` -> `ResNet18`. */
const typeName = (name: string): string => {
  const words = name.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const joined = words.map((word) => word[0].toUpperCase() + word.slice(1)).join("");
  return /^[A-Za-z]/.test(joined) ? joined : `Model${joined}`;
};

const union = (names: readonly string[]): string =>
  names.length === 0 ? "never" : names.map((name) => JSON.stringify(name)).join(" | ");

const loadBody = `const here = new URL(".", import.meta.url);
let artifact: Artifact;
if (here.protocol === "file:") {
  // Named at run time: a bundler for the browser must not look inside.
  const [kiln, url] = ["kiln/node", "node:url"];
  const [{ readArtifact }, { fileURLToPath }] = await Promise.all([import(kiln), import(url)]);
  artifact = await readArtifact(fileURLToPath(here));
} else {
  artifact = await loadArtifact(here);
}
const entries = options.entries ?? ["forward"];
return createSession(device, artifact, { ...options, entries });`;

/**
 * The text of a TypeScript module to lie beside `program.json`: `load(device)`, the states' names as union types, the
 * input's shape, the classes' names.
 */
export function emitModule(program: Program): string {
  const { name, batch, mode } = program.model;
  const type = typeName(name);
  const named = (roles: readonly string[]) => program.state.filter((s) => roles.includes(s.role)).map((s) => s.name);
  const project = new Project({
    useInMemoryFileSystem: true,
    skipLoadingLibFiles: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Double },
  });
  const file = project.createSourceFile(`${name}.ts`, "");
  const declare = (variable: string, value: string, doc: string) =>
    file.addVariableStatement({
      isExported: true,
      declarationKind: VariableDeclarationKind.Const,
      declarations: [{ name: variable, initializer: `${value} as const` }],
      docs: [doc],
    });

  file.addImportDeclaration({
    namedImports: [
      { name: "Artifact", isTypeOnly: true },
      "createSession",
      { name: "Device", isTypeOnly: true },
      "loadArtifact",
      { name: "Session", isTypeOnly: true },
      { name: "SessionOptions", isTypeOnly: true },
    ],
    moduleSpecifier: "kiln/runtime",
  });
  declare(
    "target",
    JSON.stringify(program.target),
    "What it was compiled for: openDevice({ program: target }) of kiln/node opens a device that runs it.",
  );
  declare("inputShape", JSON.stringify(program.input.shape), "Shape of the input, [N, C, H, W].");
  declare("outputShape", JSON.stringify(program.output.shape), "Shape of the output.");
  const classes = program.input.classNames;
  if (classes) declare("classNames", JSON.stringify(classes), "Names of the classes, in the order of the output.");
  file.addTypeAlias({
    isExported: true,
    name: "ParameterName",
    type: union(named(["parameter"])),
    docs: ["Names of the parameters."],
  });
  file.addTypeAlias({
    isExported: true,
    name: "StateName",
    type: union(program.state.map((state) => state.name)),
    docs: ["Names of all that training changes: parameters, velocities, running statistics."],
  });
  file.addTypeAlias({
    isExported: true,
    name: "EntryName",
    type: union(Object.keys(program.entries)),
    docs: ["Names of the entry points."],
  });
  file.addInterface({
    isExported: true,
    name: type,
    extends: [`Omit<Session, "readState" | "writeState">`],
    docs: [`${name} on a device: its state, and its entry points ready to run.`],
    methods: [
      {
        name: "readState",
        parameters: [{ name: "name", type: "StateName" }],
        returnType: "Promise<Float32Array>",
        docs: ["A state tensor, row-major in its logical shape."],
      },
      {
        name: "writeState",
        parameters: [
          { name: "name", type: "StateName" },
          { name: "values", type: "Float32Array" },
        ],
        returnType: "Promise<void>",
        docs: ["Sets a state tensor, row-major in its logical shape."],
      },
    ],
  });
  file.addFunction({
    isExported: true,
    isAsync: true,
    name: "load",
    parameters: [
      { name: "device", type: "Device" },
      {
        name: "options",
        type: `Omit<Partial<SessionOptions>, "entries"> & { readonly entries?: readonly EntryName[] }`,
        initializer: "{}",
      },
    ],
    returnType: `Promise<${type}>`,
    statements: loadBody,
    docs: [
      `Loads ${name} (${mode} mode, batch ${batch}) from the folder of this module onto a device: in Node from files, in a tab over HTTP.\n` +
        "`options.entries` are the entry points to prepare, `forward` where not said.",
    ],
  });
  return `// Written by ${program.compiler}; compile the model again instead of changing it here.\n${file.getFullText()}`;
}
