import { KilnError } from "./error.ts";
import { elementCount } from "./layout.ts";
import {
  type EntryName,
  formatVersion,
  isCopy,
  type Program,
  type ProgramBinding,
  type ProgramCopy,
  type ProgramDispatch,
  type ProgramEntry,
  targetClasses,
} from "./schema.ts";
import { elementsPerTexel, textureBytes, textureExtent } from "./texture.ts";

/** Checks a value at a path; throws KilnError naming the path. */
type Check = (value: unknown, path: string) => void;

/**
 * A parsed `program.json` as a Program, checked: types, that names resolve, that buffers lie inside the arena.
 * Throws KilnError that names the first field that is wrong, what was found and what was expected.
 */
export function parseProgram(json: unknown): Program {
  const format = isRecord(json) ? json.format : undefined;
  if (typeof format === "number" && format !== formatVersion)
    throw new KilnError(
      "artifact",
      `program.json: format ${format}; this Kiln reads format ${formatVersion}. Compile the model again.`,
    );
  programShape(json, "");
  const program = json as Program;
  references(program);
  return program;
}

/** As `parseProgram`, from the file's text. */
export function parseProgramText(text: string): Program {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KilnError("artifact", `program.json is not JSON: ${(cause as Error).message}`, { cause });
  }
  return parseProgram(json);
}

function wrong(path: string, expected: string, found: unknown): never {
  const text = found === undefined ? "nothing" : JSON.stringify(found);
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  throw new KilnError("artifact", `program.json: ${path || "the file"}: expected ${expected}, found ${short}`);
}

// ---------------------------------------------------------------- types

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const test =
  (expected: string, holds: (value: unknown) => boolean): Check =>
  (value, path) => {
    if (!holds(value)) wrong(path, expected, value);
  };
const string = test("a string", (v) => typeof v === "string");
const number = test("a number", (v) => typeof v === "number");
const boolean = test("true or false", (v) => typeof v === "boolean");
const size = test("an integer of 0 or more", (v) => Number.isSafeInteger(v) && (v as number) >= 0);
const positive = test("an integer above 0", (v) => Number.isSafeInteger(v) && (v as number) > 0);
const primitive = test("a string, a number or true or false", (v) => /string|number|boolean/.test(typeof v));
const oneOf = (...values: string[]): Check =>
  test(values.map((v) => `"${v}"`).join(" or "), (v) => values.includes(v as string));

const list =
  (item: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) wrong(path, "a list", value);
    (value as unknown[]).forEach((v, i) => {
      item(v, `${path}[${i}]`);
    });
  };
const record =
  (item: Check): Check =>
  (value, path) => {
    if (!isRecord(value)) wrong(path, "an object", value);
    for (const [key, v] of Object.entries(value as object)) item(v, join(path, key));
  };
const object =
  (fields: Record<string, Check>): Check =>
  (value, path) => {
    if (!isRecord(value)) return wrong(path, "an object", value);
    for (const [key, check] of Object.entries(fields)) check(value[key], join(path, key));
  };
const nullable =
  (check: Check): Check =>
  (value, path) => {
    if (value !== null) check(value, path);
  };
const optional =
  (check: Check): Check =>
  (value, path) => {
    if (value !== undefined) check(value, path);
  };
/** An object whose `kind` decides on its other fields. */
const union =
  (kinds: Record<string, Record<string, Check>>): Check =>
  (value, path) => {
    object({ kind: oneOf(...Object.keys(kinds)) })(value, path);
    object(kinds[(value as { kind: string }).kind])(value, path);
  };
const join = (path: string, key: string) => (path ? `${path}.${key}` : key);

// ---------------------------------------------------------------- the schema

const entryNames: readonly EntryName[] = ["step", "forward", "gradients", "gradientsFromCotangent", "update"];
const elementType = oneOf("f32", "i32", "u32");

const limits = object({
  maxBufferSize: positive,
  maxStorageBufferBindingSize: positive,
  maxStorageBuffersPerShaderStage: positive,
  maxComputeWorkgroupStorageSize: positive,
  maxComputeInvocationsPerWorkgroup: positive,
  maxComputeWorkgroupSizeX: positive,
  maxComputeWorkgroupsPerDimension: positive,
});

const tensor = { buffer: { name: string }, state: { name: string } };

const dispatch = object({
  kernel: size,
  workgroups: (value, path) => {
    list(positive)(value, path);
    if ((value as unknown[]).length !== 3) wrong(path, "three numbers", value);
  },
  bindings: list(union({ ...tensor, texture: { name: string }, labels: {}, pictures: {}, uniforms: {} })),
});

const copy = object({ copy: union(tensor), texture: string });
const step: Check = (value, path) => (isRecord(value) && "copy" in value ? copy : dispatch)(value, path);

const entry = object({
  arenas: list(positive),
  gpuTextures: list(object({ width: positive, height: positive })),
  arenaBytes: size,
  lowerBoundBytes: size,
  buffers: list(
    object({
      name: string,
      type: elementType,
      shape: list(positive),
      layout: list(size),
      offset: size,
      size: positive,
      start: size,
      end: size,
    }),
  ),
  textures: list(
    object({
      name: string,
      shape: list(positive),
      layout: list(size),
      gpuTexture: size,
      size: positive,
      start: size,
      end: size,
    }),
  ),
  pictures: list(dispatch),
  dispatches: list(step),
  inputs: record(string),
  outputs: record(string),
});

const programShape = object({
  format: positive,
  compiler: string,
  model: object({
    name: string,
    hash: string,
    mode: oneOf("train", "infer"),
    batch: positive,
    settings: record(primitive),
    algorithm: oneOf("auto", "direct", "fast"),
    memoryLimit: optional(positive),
    optimizer: nullable(object({ kind: oneOf("sgd"), velocity: boolean })),
    classes: nullable(positive),
  }),
  target: object({
    name: string,
    class: oneOf(...targetClasses),
    limits,
    features: list(string),
    subgroupSize: nullable(positive),
  }),
  input: object({
    shape: list(positive),
    mean: list(number),
    std: list(number),
    classNames: nullable(list(string)),
  }),
  output: object({ shape: list(positive) }),
  state: list(
    object({
      name: string,
      shape: list(positive),
      role: oneOf("parameter", "velocity", "statistic"),
      initializer: union({ xavier: {}, constant: { value: number } }),
      layout: list(size),
    }),
  ),
  uniforms: list(
    object({
      name: oneOf("seed", "step", "lr", "momentum", "weightDecay", "pictureHeight", "pictureWidth"),
      type: elementType,
    }),
  ),
  kernels: list(
    object({
      name: string,
      file: string,
      entryPoint: string,
      workgroupSize: positive,
      bindings: list(object({ name: string, access: oneOf("read", "read_write", "uniform", "texture") })),
      sources: list(string),
      ops: list(string),
      schedule: record(primitive),
      algorithm: string,
      operations: number,
      executedOperations: number,
    }),
  ),
  entries: (value, path) => {
    record(entry)(value, path);
    for (const name of Object.keys(value as object))
      if (!entryNames.includes(name as EntryName)) wrong(join(path, name), `one of ${entryNames.join(", ")}`, name);
  },
  arenaBytes: size,
  lowerBoundBytes: size,
  persistentBytes: size,
});

// ---------------------------------------------------------------- what fields say of each other

function references(program: Program): void {
  const states = new Set<string>();
  program.state.forEach((state, i) => {
    if (states.has(state.name)) wrong(`state[${i}].name`, "a name used once", state.name);
    states.add(state.name);
    checkLayout(state.shape, state.layout, `state[${i}].layout`);
  });
  for (const [name, e] of Object.entries(program.entries)) checkEntry(program, e, states, `entries.${name}`);
}

function checkEntry(program: Program, entry: ProgramEntry, states: ReadonlySet<string>, path: string): void {
  const buffers = new Set<string>();
  const bounds = [0];
  for (const bytes of entry.arenas) bounds.push(bounds[bounds.length - 1] + bytes);
  entry.buffers.forEach((b, i) => {
    const at = `${path}.buffers[${i}]`;
    if (buffers.has(b.name)) wrong(`${at}.name`, "a name used once", b.name);
    buffers.add(b.name);
    checkLayout(b.shape, b.layout, `${at}.layout`);
    if (b.offset % 256 !== 0) wrong(`${at}.offset`, "a multiple of 256", b.offset);
    const bytes = elementCount(b.shape) * 4;
    if (b.size % 256 !== 0 || b.size < bytes)
      wrong(`${at}.size`, `a multiple of 256 that holds ${bytes} bytes`, b.size);
    if (!entry.arenas.some((_, k) => b.offset >= bounds[k] && b.offset + b.size <= bounds[k + 1]))
      wrong(`${at}.offset`, `${b.size} bytes inside one of the arenas [${entry.arenas}]`, b.offset);
  });
  checkTextures(entry, path);
  for (const key of ["inputs", "outputs"] as const)
    for (const [name, buffer] of Object.entries(entry[key]))
      if (!buffers.has(buffer)) wrong(`${path}.${key}.${name}`, "the name of one of the entry's buffers", buffer);

  const names = { buffer: buffers, state: states, texture: new Set(entry.textures.map((t) => t.name)) };
  for (const key of ["pictures", "dispatches"] as const)
    entry[key].forEach((step, i) => {
      const at = `${path}.${key}[${i}]`;
      if (isCopy(step)) checkCopy(program, entry, step, at);
      else checkDispatch(program, step, names, at);
    });
}

function checkTextures(entry: ProgramEntry, path: string): void {
  const names = new Set<string>();
  entry.textures.forEach((t, i) => {
    const at = `${path}.textures[${i}]`;
    if (names.has(t.name)) wrong(`${at}.name`, "a name used once", t.name);
    names.add(t.name);
    checkLayout(t.shape, t.layout, `${at}.layout`);
    const elements = elementCount(t.shape);
    if (elements % elementsPerTexel !== 0) wrong(`${at}.shape`, `a multiple of ${elementsPerTexel} elements`, t.shape);
    const { width, height } = textureExtent(elements);
    const has = entry.gpuTextures[t.gpuTexture];
    if (!has) wrong(`${at}.gpuTexture`, `an index below ${entry.gpuTextures.length}`, t.gpuTexture);
    if (has.width < width || has.height < height)
      wrong(`${at}.gpuTexture`, `one of at least ${width} x ${height} texels`, t.gpuTexture);
    const bytes = textureBytes({ width, height });
    if (t.size !== bytes) wrong(`${at}.size`, `${bytes} bytes for [${t.shape}]`, t.size);
  });
}

function checkCopy(program: Program, entry: ProgramEntry, step: ProgramCopy, at: string): void {
  const { kind, name } = step.copy;
  const from = (kind === "state" ? program.state : entry.buffers).find((tensor) => tensor.name === name);
  if (!from) return wrong(`${at}.copy.name`, `the name of a ${kind}`, name);
  if ("type" in from && from.type !== "f32") wrong(`${at}.copy.name`, "a buffer of f32", name);
  const to = entry.textures.find((t) => t.name === step.texture);
  if (!to) return wrong(`${at}.texture`, "the name of a texture", step.texture);
  if (`${from.shape}` !== `${to.shape}` || `${from.layout}` !== `${to.layout}`)
    wrong(`${at}.texture`, `a texture of ${name}'s shape [${from.shape}] and layout [${from.layout}]`, step.texture);
}

/** Names that bindings may have, by their kind. */
type Names = Readonly<Record<"buffer" | "state" | "texture", ReadonlySet<string>>>;

function checkDispatch(program: Program, d: ProgramDispatch, names: Names, at: string): void {
  const kernel = program.kernels[d.kernel];
  if (!kernel) wrong(`${at}.kernel`, `an index below ${program.kernels.length}`, d.kernel);
  if (d.bindings.length !== kernel.bindings.length)
    wrong(`${at}.bindings`, `${kernel.bindings.length} bindings, as ${kernel.name} has`, d.bindings.length);
  d.bindings.forEach((binding, b) => {
    if ("name" in binding && !names[binding.kind].has(binding.name))
      wrong(`${at}.bindings[${b}].name`, `the name of a ${binding.kind}`, binding.name);
    const { access } = kernel.bindings[b];
    const [isUniforms, isTexture] = [binding.kind === "uniforms", binding.kind === "texture"];
    if ((access === "uniform") !== isUniforms || (access === "texture") !== isTexture)
      wrong(`${at}.bindings[${b}]`, `what ${kernel.name} binds as ${access}`, binding);
  });
}

function checkLayout(shape: readonly number[], layout: readonly number[], path: string): void {
  const sorted = [...layout].sort((a, b) => a - b);
  if (layout.length !== shape.length || sorted.some((d, i) => d !== i))
    wrong(path, `an order of the dimensions 0..${shape.length - 1}`, layout);
}

/** A binding in words, for messages: "conv2d_1.weight", "labels". */
export const bindingName = (binding: ProgramBinding): string => ("name" in binding ? binding.name : binding.kind);
