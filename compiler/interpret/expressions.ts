/** Kernel expressions as JavaScript for one lane: every value in a constant of its own, vectors in four. */
import type { Kernel, KernelExpr } from "../ir/kernel.ts";
import type { ScalarType, UniformName } from "../ir/scalar.ts";
import { binaryText, literal, unaryText, wrapTo } from "./javascript.ts";

/** Where a name's value is. */
export type Slot =
  /** A typed array [shape..., width, lane]; where poison is followed, `${js}Poison` beside it. */
  | {
      readonly kind: "array";
      readonly js: string;
      readonly dtype: ScalarType;
      readonly width: number;
      readonly shape: readonly number[];
    }
  /** A number in JavaScript: a loop's variable, with its range where the bounds are constants. */
  | { readonly kind: "number"; readonly js: string; readonly range?: readonly [number, number] };

/** JavaScript for each component: its value, and whether it is poison ("0": certainly not). */
export interface Parts {
  readonly values: readonly string[];
  readonly poison: readonly string[];
}

export interface Context {
  readonly kernel: Kernel;
  readonly uniforms: Partial<Record<UniformName, number>>;
  readonly followPoison: boolean;
  readonly find: (name: string) => Slot;
  /** Buffers whose accesses are recorded. */
  readonly tracked: (buffer: string) => boolean;
  readonly push: (line: string) => void;
}

const clean = "0";
const isNumber = (text: string): boolean => /^\(?-?\d+\)?$/.test(text);
const toNumber = (text: string): number => Number(text.replace(/[()]/g, ""));

export class ExpressionWriter {
  private count = 0;
  private memo = new Map<string, Map<KernelExpr, Parts>>();
  private site = 0;

  constructor(private readonly context: Context) {}

  /** Before each statement: what the last one computed may have changed, or be out of scope. */
  begin(site: number): void {
    this.site = site;
    this.memo = new Map();
  }

  /** Names a JavaScript expression, unless it is a name or a literal already. */
  bind(text: string): string {
    if (/^[\w.]+$/.test(text) || isNumber(text)) return text;
    const name = `t${this.count++}`;
    this.context.push(`const ${name} = ${text};`);
    return name;
  }

  /** The value of an expression for a lane (the text of its number). */
  write(e: KernelExpr, lane: string): Parts {
    let known = this.memo.get(lane);
    if (!known) {
      known = new Map();
      this.memo.set(lane, known);
    }
    let parts = known.get(e);
    if (!parts) {
      parts = this.make(e, lane);
      known.set(e, parts);
    }
    return parts;
  }

  private pure(values: readonly string[]): Parts {
    return { values: values.map((v) => this.bind(v)), poison: values.map(() => clean) };
  }

  private anyOf(poisons: readonly string[]): string {
    const real = [...new Set(poisons)].filter((p) => p !== clean);
    return real.length === 0 ? clean : this.bind(real.join(" | "));
  }

  private make(e: KernelExpr, lane: string): Parts {
    const { kernel, uniforms, find } = this.context;
    const again = (x: KernelExpr) => this.write(x, lane);
    const lanes = e.width === 1 ? [0] : [0, 1, 2, 3];
    /** Component by component. */
    const zip = (operands: readonly Parts[], f: (...values: string[]) => string): Parts => ({
      values: lanes.map((c) => this.bind(f(...operands.map((o) => o.values[c])))),
      poison: lanes.map((c) => this.anyOf(operands.map((o) => o.poison[c]))),
    });
    switch (e.kind) {
      case "constant":
        return this.pure(lanes.map(() => literal(e.value, e.dtype)));
      case "uniform":
        return this.pure([wrapTo(literal(uniforms[e.name]!, e.dtype), e.dtype)]);
      case "builtin":
        if (e.name === "local") return this.pure([lane]);
        if (e.name === "subgroupLane") return this.pure([`${lane} % ${kernel.subgroupSize}`]);
        return this.pure([{ "workgroup.x": "wx", "workgroup.y": "wy", "workgroup.z": "wz" }[e.name]]);
      case "variable":
        return this.readSlot(find(e.name), [], lane, lanes);
      case "register":
        return this.readSlot(find(e.name), e.index, lane, lanes);
      case "load":
        return this.load(e, lane);
      case "sharedLoad":
        return this.sharedLoad(e, lane);
      case "broadcast": {
        const size = kernel.subgroupSize!;
        const from = this.checkedIndex(e.lane, lane, size, "a broadcast's subgroup");
        return this.write(e.value, this.bind(`${lane} - ${lane} % ${size} + ${from}`));
      }
      case "component": {
        const index = this.checkedIndex(e.index, lane, 4, "a vector");
        if (e.of.kind === "variable" || e.of.kind === "register")
          return this.readSlot(find(e.of.name), e.of.kind === "register" ? e.of.index : [], lane, [index]);
        const { values, poison } = again(e.of);
        if (isNumber(index)) return { values: [values[toNumber(index)]], poison: [poison[toNumber(index)]] };
        const pick = (v: readonly string[]) =>
          this.bind(`${index} === 0 ? ${v[0]} : ${index} === 1 ? ${v[1]} : ${index} === 2 ? ${v[2]} : ${v[3]}`);
        return { values: [pick(values)], poison: [poison.every((p) => p === clean) ? clean : pick(poison)] };
      }
      case "vector": {
        const parts = e.parts.map(again);
        return { values: parts.map((p) => p.values[0]), poison: parts.map((p) => p.poison[0]) };
      }
      case "splat": {
        const { values, poison } = again(e.of);
        return { values: lanes.map(() => values[0]), poison: lanes.map(() => poison[0]) };
      }
      case "unary":
        return zip([again(e.a)], (a) => unaryText(e.op, a, e.a.dtype, e.dtype));
      case "binary":
        return zip([again(e.a), again(e.b)], (a, b) => binaryText(e.op, a, b, e.a.dtype));
      case "fma":
        return zip([again(e.a), again(e.b), again(e.c)], (a, b, c) => `${a} * ${b} + ${c}`);
      case "select": {
        const [condition, a, b] = [again(e.condition), again(e.a), again(e.b)];
        const of = (list: readonly string[], c: number) => list[e.condition.width === 1 ? 0 : c];
        return {
          values: lanes.map((c) => this.bind(`${of(condition.values, c)} ? ${a.values[c]} : ${b.values[c]}`)),
          poison: lanes.map((c) => {
            const arms =
              a.poison[c] === b.poison[c]
                ? a.poison[c]
                : this.bind(`${of(condition.values, c)} ? ${a.poison[c]} : ${b.poison[c]}`);
            return this.anyOf([of(condition.poison, c), arms]);
          }),
        };
      }
      case "random": {
        const { values, poison } = again(e.element);
        const [seed, step] = [uniforms.seed! >>> 0, uniforms.step! >>> 0];
        return {
          values: [this.bind(`random(${seed}, ${step}, ${values[0]} >>> 0, ${e.stream >>> 0})`)],
          poison,
        };
      }
    }
  }

  /** Components of a named value; `components` are numbers or texts. */
  private readSlot(
    slot: Slot,
    index: readonly KernelExpr[],
    lane: string,
    components: readonly (number | string)[],
  ): Parts {
    if (slot.kind === "number") return { values: [slot.js], poison: [clean] };
    const at = components.map((c) => this.slotOffset(slot, index, lane, c));
    return {
      values: at.map((i) => this.bind(`${slot.js}[${i}]${slot.dtype === "bool" ? " !== 0" : ""}`)),
      poison: at.map((i) => (this.context.followPoison ? this.bind(`${slot.js}Poison[${i}]`) : clean)),
    };
  }

  /** Where in a slot's array an element's component lies for a lane. */
  slotOffset(
    slot: Slot & { kind: "array" },
    index: readonly KernelExpr[],
    lane: string,
    component: number | string,
  ): string {
    let flat = "0";
    slot.shape.forEach((extent, d) => {
      const i = this.checkedIndex(index[d], lane, extent, "a register array");
      flat = scaledSum(flat, extent, i);
    });
    return scaledSum(scaledSum(flat, slot.width, `${component}`), this.context.kernel.workgroupSize, lane);
  }

  /** An index that no poison may reach, checked where its range is not known. */
  private checkedIndex(e: KernelExpr, lane: string, extent: number, what: string): string {
    const { values, poison } = this.write(e, lane);
    this.refusePoison(poison[0], lane, `the index of ${what}`);
    const range = this.rangeOf(e);
    if (!range || range[0] < 0 || range[1] >= extent)
      this.context.push(
        `if (!(${values[0]} >= 0 && ${values[0]} < ${extent})) ` +
          `m.badIndex(${this.site}, ${lane}, ${JSON.stringify(what)}, ${values[0]}, ${extent});`,
      );
    return values[0];
  }

  private rangeOf(e: KernelExpr): readonly [number, number] | undefined {
    if (e.kind === "constant") return [e.value, e.value];
    if (e.kind === "variable") {
      const slot = this.context.find(e.name);
      return slot.kind === "number" ? slot.range : undefined;
    }
    if (e.kind !== "binary" || !["add", "sub", "mul"].includes(e.op)) return undefined;
    const [a, b] = [this.rangeOf(e.a), this.rangeOf(e.b)];
    if (!a || !b) return undefined;
    if (e.op === "add") return [a[0] + b[0], a[1] + b[1]];
    if (e.op === "sub") return [a[0] - b[1], a[1] - b[0]];
    const products = a.flatMap((x) => b.map((y) => x * y));
    return [Math.min(...products), Math.max(...products)];
  }

  refusePoison(poison: string, lane: string, use: string): void {
    if (poison !== clean)
      this.context.push(`if (${poison}) m.poisoned(${this.site}, ${lane}, ${JSON.stringify(use)});`);
  }

  private load(e: KernelExpr & { kind: "load" }, lane: string): Parts {
    const buffer = this.context.kernel.buffers.find((b) => b.name === e.buffer);
    if (!buffer)
      throw new Error(`kernel ${this.context.kernel.name} loads from ${e.buffer}, which it does not declare`);
    const index = this.write(e.index, lane);
    const i = index.values[0];
    const inside = this.guard(
      `${i} >= 0 && ${i} < ${buffer.length}`,
      index.poison[0],
      e.buffer,
      i,
      buffer.length,
      lane,
    );
    const elements = Array.from({ length: e.width }, (_, c) => (e.width === 1 ? i : `${i} * ${e.width} + ${c}`));
    if (this.context.tracked(e.buffer)) {
      const where = `${this.site}, ${lane}, first + ${lane}, ${JSON.stringify(e.buffer)}, ${trackName(e.buffer)}`;
      const note = elements.map((j) => `m.noteLoad(${where}, ${j});`).join(" ");
      this.context.push(inside ? `if (${inside}) { ${note} }` : note);
    }
    return this.fetch(
      elements.map((j) => wrapTo(`${bufferName(e.buffer)}[${j}]`, e.dtype)),
      inside,
    );
  }

  private sharedLoad(e: KernelExpr & { kind: "sharedLoad" }, lane: string): Parts {
    const { kernel, followPoison } = this.context;
    const position = kernel.shared.findIndex((a) => a.name === e.array);
    if (position < 0) throw new Error(`kernel ${kernel.name} loads from ${e.array}, which it does not declare`);
    const { length } = kernel.shared[position];
    const index = this.write(e.index, lane);
    const i = index.values[0];
    const js = sharedName(e.array);
    const within = `${i} >= 0 && ${i} < ${length}`;
    // A race with an invocation that has yet to write: noted before it is seen that nobody wrote.
    const where = `${this.site}, ${lane}, ${JSON.stringify(e.array)}, ${js}Track, ${i}`;
    this.context.push(`if (${within}) m.noteSharedLoad(${where});`);
    const filled = `${within} && ${js}Track.filled[${i}] !== 0`;
    const inside = this.guard(filled, index.poison[0], e.array, i, length, lane);
    const at = Array.from({ length: e.width }, (_, c) => `${i} * ${e.width} + ${c}`);
    const parts = this.fetch(
      at.map((j) => `${js}[${j}]${e.dtype === "bool" ? " !== 0" : ""}`),
      inside,
    );
    if (!followPoison) return parts;
    return { values: parts.values, poison: parts.poison.map((p, c) => this.bind(`${p} | ${js}Poison[${at[c]}]`)) };
  }

  /** Ends the run, or, where poison is followed, names whether the access is inside. */
  private guard(
    within: string,
    poison: string,
    name: string,
    i: string,
    length: number,
    lane: string,
  ): string | undefined {
    const note = `m.notePoison(${this.site}, ${lane}, ${JSON.stringify(name)}, ${i}, ${length});`;
    if (!this.context.followPoison) {
      this.context.push(`if (!(${within})) throw new PoisonSignal();`);
      return undefined;
    }
    const inside = this.bind(poison === clean ? within : `!(${poison}) && ${within}`);
    this.context.push(`if (!${inside}) ${note}`);
    return inside;
  }

  private fetch(texts: readonly string[], inside: string | undefined): Parts {
    if (inside === undefined) return this.pure(texts);
    const poison = this.bind(`${inside} ? 0 : 1`);
    return { values: texts.map((t) => this.bind(`${inside} ? ${t} : 0`)), poison: texts.map(() => poison) };
  }
}

export const bufferName = (name: string): string => `b_${mangle(name)}`;
export const trackName = (name: string): string => `k_${mangle(name)}`;
export const sharedName = (name: string): string => `s_${mangle(name)}`;
/** A different identifier for every name. */
export const mangle = (name: string): string =>
  name.replace(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0).toString(36)}_`);

/** a * factor + b, folded where literal. */
function scaledSum(a: string, factor: number, b: string): string {
  const product = isNumber(a) ? `${toNumber(a) * factor}` : factor === 1 ? a : `(${a}) * ${factor}`;
  if (isNumber(product) && isNumber(b)) return `${toNumber(product) + toNumber(b)}`;
  return product === "0" ? b : b === "0" ? product : `${product} + ${b}`;
}
