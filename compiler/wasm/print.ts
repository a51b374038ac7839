/**
 * Kernel IR to WebAssembly text: a module with one function, `run`, over a range of workgroups.
 *
 * A workgroup is one invocation: its lanes are a vector's, so there is nothing to wait for at a barrier, and the one lane
 * of its subgroup is what a broadcast reads. Vectors of four are `v128`. `run(workgroup, end, bindings, scratch)` takes
 * the flat numbers of the first workgroup and of the one after the last; `bindings` is the address of a table with the
 * address of each binding, in order; at `scratch` lies the thread's own memory for workgroup arrays and for registers
 * that are indexed by what varies.
 */
import type { BindingAccess, ProgramKernel } from "../../runtime/program/schema.ts";
import type { Kernel, KernelExpr, KernelType, Statement } from "../ir/kernel.ts";
import type { ScalarType, UniformName } from "../ir/scalar.ts";
import { uniformFields } from "../ir/uniforms.ts";
import { type Constants, fold, positions, turns } from "../ir/unroll.ts";
import { linearForm, Signs } from "./address.ts";
import { helperTexts } from "./helpers.ts";
import { binaryOperation, lanesOf, wasmType } from "./instructions.ts";

export interface WatOptions {
  /** Buffers that share a binding with another because they lie in the same place: name -> the other's name. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Buffers that are bound read_write though only read, since what holds them is written in the same dispatch. */
  readonly writable?: ReadonlySet<string>;
  /** Multiply and add four lanes with one rounding, where the engine does. */
  readonly relaxedSimd?: boolean;
}

export interface WatKernel {
  readonly text: string;
  /** In the order of the table of addresses. */
  readonly bindings: ProgramKernel["bindings"];
}

/** The most pages of 64 KiB that a memory of 32-bit addresses has: every module imports the same memory. */
const mostPages = 65536;

/** Throws where a workgroup has more than one invocation. */
export function printWat(kernel: Kernel, options: WatOptions = {}): WatKernel {
  if (kernel.workgroupSize !== 1)
    throw new Error(`kernel ${kernel.name} has workgroups of ${kernel.workgroupSize}; in WebAssembly they have one`);
  const printer = new Printer(kernel, options);
  printer.block(kernel.body, new Map(), 3);
  const bindings: { name: string; access: BindingAccess }[] = [];
  const prologue: string[] = [];
  const bind = (name: string, access: BindingAccess) => {
    prologue.push(`(local.set $${name} (i32.load offset=${4 * bindings.length} (local.get $bindings)))`);
    printer.locals.set(name, "i32");
    bindings.push({ name, access });
  };
  for (const b of kernel.buffers) {
    if (options.aliases?.has(b.name)) continue;
    const sharing = kernel.buffers.filter((x) => options.aliases?.get(x.name) === b.name);
    const writes = [b, ...sharing].some((x) => x.writes) || options.writable?.has(b.name);
    bind(b.name, writes ? "read_write" : "read");
  }
  if (kernel.uniforms.length > 0) bind("uniforms", "uniform");
  uniformFields.forEach(({ name, type }, i) => {
    if (!printer.uniforms.has(name)) return;
    const wasm = type === "f32" ? "f32" : "i32";
    printer.locals.set(`uniforms.${name}`, wasm);
    prologue.push(`(local.set $uniforms.${name} (${wasm}.load offset=${4 * i} (local.get $uniforms)))`);
  });
  const [x, y] = kernel.workgroups;
  const grid = [
    ["workgroup.x", y === 1 ? "(local.get $workgroup)" : `(i32.rem_u (local.get $workgroup) (i32.const ${x}))`],
    ["workgroup.y", `(i32.rem_u (i32.div_u (local.get $workgroup) (i32.const ${x})) (i32.const ${y}))`],
    ["workgroup.z", `(i32.div_u (local.get $workgroup) (i32.const ${x * y}))`],
  ].filter(([name]) => printer.locals.has(name));
  const text = [
    "(module",
    `  (import "kiln" "memory" (memory 1 ${mostPages} shared))`,
    ...helperTexts(printer.called).flatMap((h) => h.split("\n").map((line) => `  ${line}`)),
    '  (func (export "run") (param $workgroup i32) (param $end i32) (param $bindings i32) (param $scratch i32)',
    ...[...printer.locals].map(([name, type]) => `    (local $${name} ${type})`),
    ...prologue.map((line) => `    ${line}`),
    "    (loop $workgroups",
    ...grid.map(([name, value]) => `      (local.set $${name} ${value})`),
    ...printer.lines,
    "      (local.set $workgroup (i32.add (local.get $workgroup) (i32.const 1)))",
    "      (br_if $workgroups (i32.lt_u (local.get $workgroup) (local.get $end))))))",
    "",
  ].join("\n");
  return { text, bindings };
}

class Printer {
  readonly lines: string[] = [];
  readonly locals = new Map<string, string>();
  readonly called = new Set<string>();
  readonly uniforms = new Set<UniformName>();
  private readonly signs: Signs;
  private readonly aliases: ReadonlyMap<string, string>;
  private readonly relaxed: boolean;
  /** Where arrays lie in scratch memory. */
  private readonly scratch = new Map<string, number>();
  private scratchBytes = 0;

  constructor(kernel: Kernel, { aliases = new Map(), relaxedSimd = false }: WatOptions) {
    this.signs = new Signs(kernel);
    this.aliases = aliases;
    this.relaxed = relaxedSimd;
    for (const s of kernel.shared) this.reserve(s.name, s.type, s.length);
  }

  block(statements: readonly Statement[], constants: Constants, depth: number): void {
    for (const s of statements) this.statement(s, constants, depth);
  }

  private reserve(name: string, { width }: KernelType, length: number): number {
    const known = this.scratch.get(name);
    if (known !== undefined) return known;
    const offset = this.scratchBytes;
    this.scratch.set(name, offset);
    this.scratchBytes += Math.ceil((4 * width * length) / 16) * 16;
    return offset;
  }

  private line(depth: number, text: string): void {
    this.lines.push(`${"  ".repeat(depth)}${text}`);
  }

  private declare(name: string, type: KernelType): void {
    this.locals.set(name, wasmType(type));
  }

  private statement(s: Statement, constants: Constants, depth: number): void {
    const print = (e: KernelExpr) => this.expr(e, constants);
    switch (s.kind) {
      case "let":
        this.declare(s.name, s.value);
        return this.line(depth, `(local.set $${s.name} ${print(s.value)})`);
      case "registers": {
        if (s.indexed) {
          const offset = this.reserve(s.name, s.type, s.shape[0]);
          const bytes = 4 * s.type.width * s.shape[0];
          const at = `(i32.add (local.get $scratch) (i32.const ${offset}))`;
          return this.line(depth, `(memory.fill ${at} (i32.const 0) (i32.const ${bytes}))`);
        }
        for (const index of positions(s.shape)) {
          const name = registerName(s.name, index);
          this.declare(name, s.type);
          this.line(depth, `(local.set $${name} ${literal(s.initial, s.type)})`);
        }
        return;
      }
      case "assign":
        if (this.scratch.has(s.register))
          return this.line(depth, this.scratchStore(s.register, s.index[0], s.value, constants));
        return this.line(depth, `(local.set $${this.register(s.register, s.index, constants)} ${print(s.value)})`);
      case "store": {
        const address = this.address(`(local.get $${this.buffer(s.buffer)})`, 0, s.index, s.value.width, constants);
        return this.line(depth, `(${wasmType(s.value)}.store${address} ${print(s.value)})`);
      }
      case "sharedStore":
        return this.line(depth, this.scratchStore(s.array, s.index, s.value, constants));
      case "barrier":
        return;
      case "if":
        this.line(depth, `(if ${print(s.condition)}`);
        this.line(depth + 1, "(then");
        this.block(s.then, constants, depth + 2);
        this.lines[this.lines.length - 1] += ")";
        if (s.otherwise) {
          this.line(depth + 1, "(else");
          this.block(s.otherwise, constants, depth + 2);
          this.lines[this.lines.length - 1] += ")";
        }
        this.lines[this.lines.length - 1] += ")";
        return;
      case "for":
        if (s.unroll) for (const inner of turns(s, constants)) this.block(s.body, inner, depth);
        else this.serial(s, constants, depth);
    }
  }

  private serial(s: Statement & { kind: "for" }, constants: Constants, depth: number): void {
    const name = `$${s.variable}`;
    this.locals.set(s.variable, "i32");
    const [from, to] = [this.expr(s.from, constants), this.expr(s.to, constants)];
    const [first, end] = [fold(s.from, constants), fold(s.to, constants)];
    this.line(depth, `(local.set ${name} ${from})`);
    const certain = first !== undefined && end !== undefined && first < end;
    if (!certain) this.line(depth, `(if (i32.lt_s (local.get ${name}) ${to}) (then`);
    this.line(depth, `(loop ${name}`);
    this.block(s.body, constants, depth + 1);
    this.line(depth + 1, `(local.set ${name} (i32.add (local.get ${name}) (i32.const ${s.step})))`);
    this.line(depth + 1, `(br_if ${name} (i32.lt_s (local.get ${name}) ${to})))${certain ? "" : "))"}`);
  }

  private buffer(name: string): string {
    return this.aliases.get(name) ?? name;
  }

  private register(name: string, index: readonly KernelExpr[], constants: Constants): string {
    const position = index.map((i) => fold(i, constants));
    if (position.some((p) => p === undefined)) throw new Error(`register ${name} is indexed by what varies`);
    return registerName(name, position as number[]);
  }

  private scratchStore(name: string, index: KernelExpr, value: KernelExpr, constants: Constants): string {
    const address = this.address("(local.get $scratch)", this.scratch.get(name)!, index, value.width, constants);
    return `(${wasmType(value)}.store${address} ${this.expr(value, constants)})`;
  }

  private scratchLoad(name: string, index: KernelExpr, type: KernelType, constants: Constants): string {
    const address = this.address("(local.get $scratch)", this.scratch.get(name)!, index, type.width, constants);
    return `(${wasmType(type)}.load${address})`;
  }

  /** ` offset=n address`: the address of the element at an index, counted in elements of `width` words. */
  private address(base: string, bytes: number, index: KernelExpr, width: number, constants: Constants): string {
    const form = linearForm(index, constants);
    const unit = 4 * width;
    let constant = bytes + unit * form.constant;
    let sum = base;
    for (const { term, coefficient } of form.terms)
      sum = `(i32.add ${sum} ${scaled(this.expr(term, constants), unit * coefficient)})`;
    if (constant !== 0 && (constant < 0 || !this.signs.sum(form))) {
      sum = `(i32.add ${sum} (i32.const ${constant}))`;
      constant = 0;
    }
    return constant === 0 ? ` ${sum}` : ` offset=${constant} ${sum}`;
  }

  private expr(e: KernelExpr, constants: Constants): string {
    if (e.dtype === "i32" && e.width === 1) {
      const value = fold(e, constants);
      if (value !== undefined) return `(i32.const ${value})`;
    }
    const inner = (x: KernelExpr) => this.expr(x, constants);
    switch (e.kind) {
      case "constant":
        return literal(e.value, e);
      case "variable":
        return `(local.get $${e.name})`;
      case "register":
        if (this.scratch.has(e.name)) return this.scratchLoad(e.name, e.index[0], e, constants);
        return `(local.get $${this.register(e.name, e.index, constants)})`;
      case "builtin":
        if (e.name === "local" || e.name === "subgroupLane") return "(i32.const 0)";
        this.locals.set(e.name, "i32");
        return `(local.get $${e.name})`;
      case "uniform":
        return this.uniform(e.name);
      case "load":
        return this.load(e, "load", constants);
      case "sharedLoad":
        return this.scratchLoad(e.array, e.index, e, constants);
      case "broadcast":
        return inner(e.value);
      case "component": {
        const index = fold(e.index, constants);
        if (index === undefined) throw new Error("a vector's component that varies");
        const lane = `(${lanesOf(e.dtype)}.extract_lane ${index} ${inner(e.of)})`;
        return e.dtype === "bool" ? `(i32.and ${lane} (i32.const 1))` : lane;
      }
      case "vector":
        return this.vector(e, constants);
      case "splat":
        if (e.of.kind === "load") return this.load(e.of, "load32_splat", constants);
        return `(${lanesOf(e.dtype)}.splat ${this.lane(e.of, constants)})`;
      case "fma": {
        const [a, b, c] = [e.a, e.b, e.c].map(inner);
        if (e.width === 1) return `(f32.add (f32.mul ${a} ${b}) ${c})`;
        return this.relaxed ? `(f32x4.relaxed_madd ${a} ${b} ${c})` : `(f32x4.add (f32x4.mul ${a} ${b}) ${c})`;
      }
      case "select":
        return this.select(e, constants);
      case "random":
        this.called.add("$random");
        return `(call $random ${this.uniform("seed")} ${this.uniform("step")} (i32.const ${e.stream | 0}) ${inner(e.element)})`;
      case "unary":
        return this.unary(e, constants);
      case "binary":
        return this.binary(e, constants);
    }
  }

  /** Uniforms are read once, before the workgroups: an engine does not know that no store changes them. */
  private uniform(name: UniformName): string {
    this.uniforms.add(name);
    return `(local.get $uniforms.${name})`;
  }

  private load(e: KernelExpr & { kind: "load" }, how: "load" | "load32_splat", constants: Constants): string {
    const address = this.address(`(local.get $${this.buffer(e.buffer)})`, 0, e.index, e.width, constants);
    return `(${how === "load" ? wasmType(e) : "v128"}.${how}${address})`;
  }

  /** A value as a vector's lane holds it. */
  private lane(e: KernelExpr, constants: Constants): string {
    const value = this.expr(e, constants);
    return e.dtype === "bool" ? `(i32.sub (i32.const 0) ${value})` : value;
  }

  private vector(e: KernelExpr & { kind: "vector" }, constants: Constants): string {
    const lanes = lanesOf(e.dtype);
    const [first, ...rest] = e.parts.map((p) => this.lane(p, constants));
    return rest.reduce((v, lane, i) => `(${lanes}.replace_lane ${i + 1} ${v} ${lane})`, `(${lanes}.splat ${first})`);
  }

  private select(e: KernelExpr & { kind: "select" }, constants: Constants): string {
    const [condition, a, b] = [e.condition, e.a, e.b].map((x) => this.expr(x, constants));
    if (e.condition.width === 4) return `(v128.bitselect ${a} ${b} ${condition})`;
    return `(select ${a} ${b} ${condition})`;
  }

  private unary(e: KernelExpr & { kind: "unary" }, constants: Constants): string {
    const a = this.expr(e.a, constants);
    const from = e.a.dtype;
    const vector = e.width === 4;
    const prefix = vector ? lanesOf(e.dtype) : wasmType(e);
    switch (e.op) {
      case "exp":
      case "log": {
        const name = `$${e.op}${vector ? "_x4" : ""}`;
        this.called.add(name);
        return `(call ${name} ${a})`;
      }
      case "neg":
        return prefix === "i32" ? `(i32.sub (i32.const 0) ${a})` : `(${prefix}.neg ${a})`;
      case "abs":
        if (prefix !== "i32") return `(${prefix}.abs ${a})`;
        return `(select ${a} (i32.sub (i32.const 0) ${a}) (i32.ge_s ${a} (i32.const 0)))`;
      case "sqrt":
      case "floor":
        return `(${prefix}.${e.op} ${a})`;
      case "toF32":
        if (from === "f32") return a;
        if (from === "bool" && vector) return `(v128.and ${a} ${literal(1, e)})`;
        return vector
          ? `(f32x4.convert_i32x4_${from === "i32" ? "s" : "u"} ${a})`
          : `(f32.convert_i32_${from === "i32" ? "s" : "u"} ${a})`;
      case "toI32":
      case "toU32": {
        const sign = e.op === "toI32" ? "s" : "u";
        if (from === "bool" && vector) return `(v128.and ${a} ${literal(1, e)})`;
        if (from !== "f32") return a;
        return vector ? `(i32x4.trunc_sat_f32x4_${sign} ${a})` : `(i32.trunc_sat_f32_${sign} ${a})`;
      }
    }
  }

  private binary(e: KernelExpr & { kind: "binary" }, constants: Constants): string {
    const [a, b] = [e.a, e.b].map((x) => this.expr(x, constants));
    const operation = binaryOperation(e.op, e.a);
    if (operation.kind === "choose") return `(select ${a} ${b} (${operation.comparison} ${a} ${b}))`;
    if (operation.kind === "instruction") return `(${operation.name} ${a} ${b})`;
    this.called.add(operation.name);
    return `(call ${operation.name} ${a} ${b})`;
  }
}

const scaled = (value: string, factor: number): string => {
  const shift = Math.log2(factor);
  if (Number.isInteger(shift)) return shift === 0 ? value : `(i32.shl ${value} (i32.const ${shift}))`;
  return `(i32.mul ${value} (i32.const ${factor}))`;
};

const registerName = (name: string, index: readonly number[]): string =>
  index.length === 0 ? name : `${name}_${index.join("_")}`;

const number = (value: number, dtype: ScalarType): string => {
  if (dtype === "bool") return value ? "-1" : "0";
  if (dtype !== "f32") return `${value | 0}`;
  const rounded = Math.fround(value);
  return Number.isNaN(rounded) ? "nan" : Math.abs(rounded) === Infinity ? (rounded > 0 ? "inf" : "-inf") : `${rounded}`;
};

/** A constant; an f32 is rounded to f32. */
function literal(value: number, type: KernelType): string {
  const text = number(value, type.dtype);
  if (type.width === 4) return `(v128.const ${lanesOf(type.dtype)} ${[text, text, text, text].join(" ")})`;
  if (type.dtype === "bool") return `(i32.const ${value ? 1 : 0})`;
  return `(${wasmType(type)}.const ${text})`;
}
