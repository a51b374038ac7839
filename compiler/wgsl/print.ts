/** Kernel IR to WGSL text. Loops marked so are unrolled here; register arrays become variables of their own. */
import type { BindingAccess, ProgramKernel } from "../../runtime/program/schema.ts";
import { texelsPerRow } from "../../runtime/program/texture.ts";
import type { Kernel, KernelExpr, KernelType, Statement } from "../ir/kernel.ts";
import type { ScalarType } from "../ir/scalar.ts";
import { uniformFields } from "../ir/uniforms.ts";
import { type Constants, fold, positions, turns } from "../ir/unroll.ts";
import { wgslName } from "./names.ts";

// Threefry 2x32 with 20 rounds: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
const threefryText = `
fn threefry(key: vec2<u32>, counter: vec2<u32>) -> u32 {
  let keys = array<u32, 3>(key.x, key.y, key.x ^ key.y ^ 0x1BD11BDAu);
  let rotations = array<u32, 8>(13u, 15u, 26u, 6u, 17u, 29u, 16u, 24u);
  var x = counter + key;
  for (var round = 0u; round < 20u; round++) {
    let by = rotations[round % 8u];
    x.x += x.y;
    x.y = ((x.y << by) | (x.y >> (32u - by))) ^ x.x;
    if (round % 4u == 3u) {
      let turn = round / 4u + 1u;
      x.x += keys[turn % 3u];
      x.y += keys[(turn + 1u) % 3u] + turn;
    }
  }
  return x.x;
}

/** Uniform in [0, 1). */
fn random(stream: u32, element: u32) -> f32 {
  return f32(threefry(vec2<u32>(uniforms.seed, uniforms.step), vec2<u32>(element, stream)) >> 8u) * 5.9604644775390625e-8f;
}
`;

const textureType = "texture_storage_2d<rgba32float, read>";

const texelText = `
fn texel(t: ${textureType}, i: i32) -> vec4<f32> {
  return textureLoad(t, vec2<i32>(i & ${texelsPerRow - 1}, i >> ${Math.log2(texelsPerRow)}u));
}
`;

export interface WgslOptions {
  /** Buffers that share a binding with another because they lie in the same place: name -> the other's name. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Buffers that are bound read_write though only read, since their GPU buffer is written in the same dispatch. */
  readonly writable?: ReadonlySet<string>;
  /** Buffers whose length the run decides. */
  readonly unsized?: ReadonlySet<string>;
}

export interface WgslKernel {
  readonly text: string;
  /** In order of @binding. */
  readonly bindings: ProgramKernel["bindings"];
}

const scalarType = (t: ScalarType): string => t;
const typeName = (t: KernelType): string => (t.width === 4 ? `vec4<${t.dtype}>` : scalarType(t.dtype));

export function printWgsl(kernel: Kernel, options: WgslOptions = {}): WgslKernel {
  const printer = new Printer(kernel, options.aliases ?? new Map());
  printer.block(kernel.body, new Map(), 1);
  const { lines, used } = printer;
  const bindings: { name: string; access: BindingAccess }[] = [];
  const head: string[] = [];
  if (kernel.subgroupSize !== undefined) head.push("enable subgroups;", "");
  for (const buffer of kernel.buffers) {
    if (options.aliases?.has(buffer.name)) continue;
    if (buffer.storage === "texture") {
      head.push(`@group(0) @binding(${bindings.length}) var ${wgslName(buffer.name)}: ${textureType};`);
      bindings.push({ name: buffer.name, access: "texture" });
      continue;
    }
    const sharing = kernel.buffers.filter((b) => options.aliases?.get(b.name) === buffer.name);
    const writes = [buffer, ...sharing].some((b) => b.writes) || options.writable?.has(buffer.name);
    const access = writes ? "read_write" : "read";
    const element = typeName({ dtype: buffer.dtype, width: buffer.width });
    const type = options.unsized?.has(buffer.name) ? `array<${element}>` : `array<${element}, ${buffer.length}>`;
    head.push(`@group(0) @binding(${bindings.length}) var<storage, ${access}> ${wgslName(buffer.name)}: ${type};`);
    bindings.push({ name: buffer.name, access });
  }
  if (kernel.uniforms.length > 0) {
    const fields = uniformFields.map((f) => `${f.name}: ${f.type}`).join(", ");
    head.push(`struct Uniforms { ${fields} }`);
    head.push(`@group(0) @binding(${bindings.length}) var<uniform> uniforms: Uniforms;`);
    bindings.push({ name: "uniforms", access: "uniform" });
  }
  for (const s of kernel.shared)
    head.push(`var<workgroup> ${wgslName(s.name)}: array<${typeName(s.type)}, ${s.length}>;`);
  if (used.has("texel")) head.push(texelText);
  if (used.has("random")) head.push(threefryText);
  const parameters = [...used].flatMap((u) => builtinParameters[u] ?? []);
  const text = [
    ...head,
    "",
    `@compute @workgroup_size(${kernel.workgroupSize})`,
    `fn main(${[...new Set(parameters)].join(", ")}) {`,
    ...[...used].flatMap((u) => builtinLets[u] ?? []).map((l) => `  ${l}`),
    ...lines,
    "}",
    "",
  ].join("\n");
  return { text, bindings };
}

const builtinParameters: Record<string, string[]> = {
  "workgroup.x": ["@builtin(workgroup_id) workgroupId: vec3<u32>"],
  "workgroup.y": ["@builtin(workgroup_id) workgroupId: vec3<u32>"],
  "workgroup.z": ["@builtin(workgroup_id) workgroupId: vec3<u32>"],
  local: ["@builtin(local_invocation_index) localIndex: u32"],
  subgroupLane: ["@builtin(subgroup_invocation_id) subgroupIndex: u32"],
};
const builtinLets: Record<string, string[]> = {
  "workgroup.x": ["let workgroupX = i32(workgroupId.x);"],
  "workgroup.y": ["let workgroupY = i32(workgroupId.y);"],
  "workgroup.z": ["let workgroupZ = i32(workgroupId.z);"],
  local: ["let local = i32(localIndex);"],
  subgroupLane: ["let subgroupLane = i32(subgroupIndex);"],
};
const builtinNames: Record<string, string> = {
  "workgroup.x": "workgroupX",
  "workgroup.y": "workgroupY",
  "workgroup.z": "workgroupZ",
  local: "local",
  subgroupLane: "subgroupLane",
};

/** Text and how tightly it binds: 9 a name or call, 3 products, 2 sums, 1 comparisons, 0 logic. */
interface Text {
  readonly text: string;
  readonly tightness: number;
}

const components = "xyzw";

class Printer {
  readonly lines: string[] = [];
  readonly used = new Set<string>();
  private readonly indexed = new Set<string>();
  private readonly buffers: ReadonlyMap<string, string>;
  private readonly textures: ReadonlySet<string>;

  constructor(kernel: Kernel, aliases: ReadonlyMap<string, string>) {
    this.buffers = new Map(kernel.buffers.map((b) => [b.name, wgslName(aliases.get(b.name) ?? b.name)]));
    this.textures = new Set(kernel.buffers.filter((b) => b.storage === "texture").map((b) => b.name));
  }

  block(statements: readonly Statement[], constants: Constants, depth: number): void {
    for (const s of statements) this.statement(s, constants, depth);
  }

  private line(depth: number, text: string): void {
    this.lines.push(`${"  ".repeat(depth)}${text}`);
  }

  private statement(s: Statement, constants: Constants, depth: number): void {
    const print = (e: KernelExpr) => this.expr(e, constants).text;
    switch (s.kind) {
      case "let":
        return this.line(depth, `let ${wgslName(s.name)} = ${print(s.value)};`);
      case "registers": {
        const initial = literal(s.initial, s.type.dtype);
        const value = s.type.width === 4 ? `${typeName(s.type)}(${initial})` : initial;
        if (s.indexed) {
          this.indexed.add(s.name);
          return this.line(depth, `var ${wgslName(s.name)}: array<${typeName(s.type)}, ${s.shape[0]}>;`);
        }
        for (const index of positions(s.shape)) this.line(depth, `var ${registerName(s.name, index)} = ${value};`);
        return;
      }
      case "assign":
        return this.line(depth, `${this.register(s.register, s.index, constants)} = ${print(s.value)};`);
      case "store":
        return this.line(depth, `${this.buffers.get(s.buffer)}[${print(s.index)}] = ${print(s.value)};`);
      case "sharedStore":
        return this.line(depth, `${wgslName(s.array)}[${print(s.index)}] = ${print(s.value)};`);
      case "barrier":
        return this.line(depth, "workgroupBarrier();");
      case "if":
        this.line(depth, `if (${print(s.condition)}) {`);
        this.block(s.then, constants, depth + 1);
        if (s.otherwise) {
          this.line(depth, "} else {");
          this.block(s.otherwise, constants, depth + 1);
        }
        return this.line(depth, "}");
      case "for":
        return s.unroll ? this.unrolled(s, constants, depth) : this.serial(s, constants, depth);
    }
  }

  private serial(s: Statement & { kind: "for" }, constants: Constants, depth: number): void {
    const name = wgslName(s.variable);
    const [from, to] = [this.expr(s.from, constants).text, this.expr(s.to, constants).text];
    const step = s.step === 1 ? `${name}++` : `${name} += ${s.step}`;
    this.line(depth, `for (var ${name} = ${from}; ${name} < ${to}; ${step}) {`);
    this.block(s.body, constants, depth + 1);
    this.line(depth, "}");
  }

  private unrolled(s: Statement & { kind: "for" }, constants: Constants, depth: number): void {
    const scoped = s.body.some((x) => x.kind === "let" || x.kind === "registers");
    for (const inner of turns(s, constants)) {
      if (scoped) this.line(depth, "{");
      this.block(s.body, inner, scoped ? depth + 1 : depth);
      if (scoped) this.line(depth, "}");
    }
  }

  private register(name: string, index: readonly KernelExpr[], constants: Constants): string {
    if (this.indexed.has(name)) return `${wgslName(name)}[${this.expr(index[0], constants).text}]`;
    const position = index.map((i) => fold(i, constants));
    if (position.some((p) => p === undefined)) throw new Error(`register ${name} is indexed by what varies`);
    return registerName(name, position as number[]);
  }

  private expr(e: KernelExpr, constants: Constants): Text {
    if (e.dtype === "i32" && e.width === 1) {
      const value = fold(e, constants);
      if (value !== undefined) return { text: `${value}`, tightness: value < 0 ? 2.5 : 9 };
    }
    const inner = (x: KernelExpr) => this.expr(x, constants).text;
    const call = (name: string, ...args: KernelExpr[]): Text => ({
      text: `${name}(${args.map(inner).join(", ")})`,
      tightness: 9,
    });
    const word = (text: string): Text => ({ text, tightness: 9 });
    switch (e.kind) {
      case "constant":
        return word(literal(e.value, e.dtype));
      case "variable":
        return word(wgslName(e.name));
      case "register":
        return word(this.register(e.name, e.index, constants));
      case "builtin":
        this.used.add(e.name);
        return word(builtinNames[e.name]);
      case "uniform":
        return word(`uniforms.${e.name}`);
      case "load":
        if (this.textures.has(e.buffer)) {
          this.used.add("texel");
          return word(`texel(${this.buffers.get(e.buffer)}, ${inner(e.index)})`);
        }
        return word(`${this.buffers.get(e.buffer)}[${inner(e.index)}]`);
      case "sharedLoad":
        return word(`${wgslName(e.array)}[${inner(e.index)}]`);
      case "broadcast":
        return word(`subgroupBroadcast(${inner(e.value)}, ${inner(e.lane)}u)`);
      case "component": {
        const of = this.expr(e.of, constants);
        const index = fold(e.index, constants);
        if (index === undefined) throw new Error("a vector's component that varies");
        return word(`${of.tightness === 9 ? of.text : `(${of.text})`}.${components[index]}`);
      }
      case "vector":
        return call(typeName(e), ...e.parts);
      case "splat":
        return call(typeName(e), e.of);
      case "fma":
        return call("fma", e.a, e.b, e.c);
      case "select":
        return call("select", e.b, e.a, e.condition);
      case "random":
        this.used.add("random");
        return word(`random(${e.stream}u, ${inner(e.element)})`);
      case "unary":
        return this.unary(e, constants);
      case "binary":
        return this.binary(e, constants);
    }
  }

  private unary(e: KernelExpr & { kind: "unary" }, constants: Constants): Text {
    const a = this.expr(e.a, constants);
    switch (e.op) {
      case "neg":
        return { text: `-${a.tightness === 9 && !a.text.startsWith("-") ? a.text : `(${a.text})`}`, tightness: 4 };
      case "toF32":
      case "toI32":
      case "toU32":
        return { text: `${typeName(e)}(${a.text})`, tightness: 9 };
      default:
        return { text: `${e.op}(${a.text})`, tightness: 9 };
    }
  }

  private binary(e: KernelExpr & { kind: "binary" }, constants: Constants): Text {
    if (e.op === "max" || e.op === "min" || e.op === "pow")
      return { text: `${e.op}(${this.expr(e.a, constants).text}, ${this.expr(e.b, constants).text})`, tightness: 9 };
    const { symbol, tightness } = symbols[e.op];
    // Shifts and bit operations want parentheses round everything in WGSL; sums and products nest as usual.
    const side = (x: KernelExpr, right: boolean): string => {
      const t = this.expr(x, constants);
      const loose = t.tightness < tightness || (t.tightness === tightness && right) || tightness < 1;
      return loose && t.tightness < 9 ? `(${t.text})` : t.text;
    };
    return { text: `${side(e.a, false)} ${symbol} ${side(e.b, true)}`, tightness };
  }
}

const symbols = {
  add: { symbol: "+", tightness: 2 },
  sub: { symbol: "-", tightness: 2 },
  mul: { symbol: "*", tightness: 3 },
  div: { symbol: "/", tightness: 3 },
  mod: { symbol: "%", tightness: 3 },
  lt: { symbol: "<", tightness: 1 },
  le: { symbol: "<=", tightness: 1 },
  eq: { symbol: "==", tightness: 1 },
  // Not && and ||, which are branches: on them SwiftShader's compiler takes minutes where it takes half a second on these.
  and: { symbol: "&", tightness: 0 },
  or: { symbol: "|", tightness: 0 },
  bitAnd: { symbol: "&", tightness: 0 },
  shiftRight: { symbol: ">>", tightness: 0 },
} as const;

const registerName = (name: string, index: readonly number[]): string =>
  index.length === 0 ? wgslName(name) : `${name}_${index.join("_")}`;

/** A literal of that type; f32 values are rounded to f32, whose shortest decimal prints. */
function literal(value: number, dtype: ScalarType): string {
  if (dtype === "bool") return value ? "true" : "false";
  if (dtype === "i32") return `${value}`;
  if (dtype === "u32") return `${value}u`;
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw new Error(`${value} has no f32 literal in WGSL`);
  return `${rounded}f`;
}
