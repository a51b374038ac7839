/** From a definition to the text of a JavaScript function that computes it. */
import type { Definition } from "../ir/expr.ts";
import { type Axis, Index } from "../ir/index.ts";
import type { BinaryOp, Condition, Scalar, ScalarNode, UnaryOp, UniformName } from "../ir/scalar.ts";
import { elementCount, type Value } from "../ir/types.ts";

export interface DefinitionSource {
  /** Body of a function (T, U, random): T holds the outputs, then `reads`; U the uniforms by name. */
  readonly source: string;
  readonly reads: readonly Value[];
  readonly uniformNames: readonly UniformName[];
}

export const definitionSource = (definition: Definition): DefinitionSource => {
  const reduced = definition.reduction?.axes ?? [];
  const writer = new Writer(definition.outputs, [...definition.axes, ...reduced]);
  const body = writer.scalar(definition.body);
  const position = writer.index(flat(definition.axes));
  const [out, winner] = definition.outputs.map((v) => writer.tensor(v));

  let inner: string;
  if (!definition.reduction) inner = `${out}[${position}] = ${body};`;
  else {
    const step = {
      sum: `r += ${body};`,
      max: `{ const v = ${body}; if (v > r) r = v; }`,
      firstMax: `{ const v = ${body}; if (v > r) { r = v; at = ${writer.index(flat(reduced))}; } }`,
    }[definition.reduction.combiner];
    const start = definition.reduction.combiner === "sum" ? "0" : "-Infinity";
    const loops = writer.nest(reduced, definition.axes.length, step);
    inner = `let r = ${start}, at = 0;\n${loops}\n${out}[${position}] = r;`;
    if (winner) inner += `\n${winner}[${position}] = at;`;
  }
  const loops = writer.nest(definition.axes, 0, inner);
  const tensors = writer.tensors.map((_, i) => `const t${i} = T[${i}];`).join("\n");
  return {
    source: `"use strict";\n${tensors}\n${writer.at(0)}\n${loops}`,
    reads: writer.tensors.slice(definition.outputs.length),
    uniformNames: [...writer.uniforms],
  };
};

/** Row-major position of a point in the space of some axes. */
const flat = (axes: readonly Axis[]): Index =>
  axes.reduce(
    (sum, axis, d) => sum.plus(Index.of(axis).times(elementCount(axes.slice(d + 1).map((a) => a.extent)))),
    Index.of(0),
  );

const unary: Record<UnaryOp, (a: string) => string> = {
  neg: (a) => `-${a}`,
  exp: (a) => `Math.exp(${a})`,
  log: (a) => `Math.log(${a})`,
  sqrt: (a) => `Math.sqrt(${a})`,
  abs: (a) => `Math.abs(${a})`,
  floor: (a) => `Math.floor(${a})`,
  toF32: (a) => a,
  toI32: (a) => `Math.trunc(${a})`,
  toU32: (a) => `Math.trunc(${a})`,
};

const infix: Partial<Record<BinaryOp, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  lt: "<",
  le: "<=",
  eq: "===",
  and: "&&",
  or: "||",
};

/** Writes expressions as constants, each in the outermost loop in which it can stand. */
class Writer {
  readonly tensors: Value[];
  readonly uniforms = new Set<UniformName>();
  /** Statements by the number of loops around them. */
  private readonly statements: string[][];
  private readonly level = new Map<string, number>();
  private readonly seen = new Map<Scalar, string>();
  private count = 0;

  constructor(
    outputs: readonly Value[],
    private readonly axes: readonly Axis[],
  ) {
    this.tensors = [...outputs];
    this.statements = Array.from({ length: axes.length + 1 }, () => []);
  }

  tensor(value: Value): string {
    const known = this.tensors.indexOf(value);
    return `t${known >= 0 ? known : this.tensors.push(value) - 1}`;
  }

  /** The statements that stand inside `depth` loops and no deeper. */
  at(depth: number): string {
    return this.statements[depth].join("\n");
  }

  /** Loops over axes around `inner`, `depth` loops being around them already. */
  nest(axes: readonly Axis[], depth: number, inner: string): string {
    return axes.reduceRight((body, axis, i) => {
      const v = this.axis(axis);
      return `for (let ${v} = 0; ${v} < ${axis.extent}; ${v}++) {\n${this.at(depth + i + 1)}\n${body}\n}`;
    }, inner);
  }

  scalar(s: Scalar): string {
    const known = this.seen.get(s);
    if (known) return known;
    const { text, level } = this.expression(s);
    const name = s.node.kind === "constant" ? text : this.keep(text, level);
    this.seen.set(s, name);
    return name;
  }

  index(index: Index): string {
    const parts = index.terms.map(({ coefficient, atom }) => {
      const text = this.atom(atom);
      return coefficient === 1 ? text : `${coefficient} * ${text}`;
    });
    if (index.constant !== 0 || parts.length === 0) parts.push(`${index.constant}`);
    return `(${parts.join(" + ")})`;
  }

  private atom(atom: Index["terms"][number]["atom"]): string {
    switch (atom.kind) {
      case "axis":
        return this.axis(atom.axis);
      case "floorDiv": {
        const of = this.index(atom.of);
        return atom.of.interval().low >= 0 ? `(${of} / ${atom.by} | 0)` : `Math.floor(${of} / ${atom.by})`;
      }
      case "mod": {
        const of = this.index(atom.of);
        return atom.of.interval().low >= 0
          ? `(${of} % ${atom.by})`
          : `((${of} % ${atom.by} + ${atom.by}) % ${atom.by})`;
      }
      case "clamp":
        return `Math.min(Math.max(${this.index(atom.of)}, ${atom.low}), ${atom.high})`;
      case "data":
        return `Math.min(Math.max(${this.scalar(atom.scalar)}, ${atom.low}), ${atom.high})`;
    }
  }

  private axis(axis: Axis): string {
    const depth = this.axes.indexOf(axis);
    if (depth < 0) throw new Error(`axis ${axis.name} is not one of the definition's`);
    return `i${depth}`;
  }

  private keep(text: string, level: number): string {
    const name = `v${this.count++}`;
    this.statements[level].push(`const ${name} = ${text};`);
    this.level.set(name, level);
    return name;
  }

  /** Number of loops that must be around an index. */
  private depthOf(index: Index): number {
    const axes = [...index.axes()].map((a) => this.axes.indexOf(a) + 1);
    const data = index.dataScalars().map((s) => this.levelOf(this.scalar(s)));
    return Math.max(0, ...axes, ...data);
  }

  private levelOf(name: string): number {
    return this.level.get(name) ?? 0;
  }

  private expression({ node: n, dtype }: Scalar): { text: string; level: number } {
    switch (n.kind) {
      case "constant":
        return {
          text: n.value < 0 || Object.is(n.value, -0) ? `(${n.value === 0 ? "-0" : n.value})` : `${n.value}`,
          level: 0,
        };
      case "uniform":
        this.uniforms.add(n.name);
        return { text: `U.${n.name}`, level: 0 };
      case "local":
        throw new Error("a local outside a fused group");
      case "index":
        return { text: this.index(n.index), level: this.depthOf(n.index) };
      case "random": {
        this.uniforms.add("seed").add("step");
        return {
          text: `random(U.seed, U.step, ${this.index(n.element)}, ${n.stream})`,
          level: this.depthOf(n.element),
        };
      }
      case "read":
        return this.read(n);
      case "table": {
        const text = `${JSON.stringify(n.values)}[${this.index(n.row)}][${this.index(n.column)}]`;
        return { text, level: Math.max(this.depthOf(n.row), this.depthOf(n.column)) };
      }
      case "unary": {
        const a = this.scalar(n.a);
        return { text: unary[n.op](a), level: this.levelOf(a) };
      }
      case "binary": {
        const [a, b] = [this.scalar(n.a), this.scalar(n.b)];
        return { text: binary(n.op, a, b, dtype), level: Math.max(this.levelOf(a), this.levelOf(b)) };
      }
      case "select": {
        const [c, a, b] = [n.condition, n.a, n.b].map((s) => this.scalar(s));
        return { text: `${c} ? ${a} : ${b}`, level: Math.max(...[c, a, b].map((x) => this.levelOf(x))) };
      }
    }
  }

  private read(n: Extract<ScalarNode, { kind: "read" }>): { text: string; level: number } {
    const shape = n.tensor.type.shape;
    const offset = n.index.reduce((sum, i, d) => sum.plus(i.times(elementCount(shape.slice(d + 1)))), Index.of(0));
    const level = Math.max(0, ...[...n.index, ...n.guard.map((c) => c.index)].map((i) => this.depthOf(i)));
    const element = `${this.tensor(n.tensor)}[${this.index(offset)}]`;
    if (n.guard.length === 0) return { text: element, level };
    const holds = (c: Condition): string =>
      c.kind === "nonNegative" ? `${this.index(c.index)} >= 0` : `${this.index(c.index)} % ${c.by} === 0`;
    return { text: `${n.guard.map(holds).join(" && ")} ? ${element} : ${n.fill}`, level };
  }
}

const binary = (op: BinaryOp, a: string, b: string, dtype: Scalar["dtype"]): string => {
  switch (op) {
    case "div":
      return dtype === "f32" ? `${a} / ${b}` : `Math.trunc(${a} / ${b})`;
    case "max":
      return `Math.max(${a}, ${b})`;
    case "min":
      return `Math.min(${a}, ${b})`;
    case "pow":
      return `Math.pow(${a}, ${b})`;
    case "bitAnd":
      return dtype === "u32" ? `((${a} & ${b}) >>> 0)` : `(${a} & ${b})`;
    case "shiftRight":
      return dtype === "u32" ? `(${a} >>> ${b})` : `(${a} >> ${b})`;
    default:
      return `${a} ${infix[op]} ${b}`;
  }
};
