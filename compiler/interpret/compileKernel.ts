/** A kernel's body as a JavaScript function that runs one workgroup. */
import { uniform } from "../../runtime/program/random.ts";
import type { Kernel, Statement } from "../ir/kernel.ts";
import type { UniformName } from "../ir/scalar.ts";
import { printStatementHead } from "../text/printKernel.ts";
import { bufferName, ExpressionWriter, mangle, type Parts, type Slot, sharedName, trackName } from "./expressions.ts";
import { arrayType, helpers, literal } from "./javascript.ts";
import { type Machine, PoisonSignal } from "./machine.ts";
import { footprint, inOrder, isUniformBound, runsByLane } from "./sync.ts";

/** Runs workgroup (x, y, z); `first` is the number of its first invocation. */
export type WorkgroupFunction = (x: number, y: number, z: number, first: number) => void;

/** `followPoison` carries along which values come from loads outside; without it such a load throws PoisonSignal. */
export function compileKernel(
  kernel: Kernel,
  machine: Machine,
  uniforms: Partial<Record<UniformName, number>>,
  followPoison: boolean,
): WorkgroupFunction {
  const { text, sites } = new KernelWriter(kernel, machine, uniforms, followPoison).write();
  machine.sites = sites;
  return new Function("m", "random", "PoisonSignal", text)(machine, uniform, PoisonSignal);
}

type For = Extract<Statement, { kind: "for" }>;
type If = Extract<Statement, { kind: "if" }>;

class KernelWriter {
  private readonly sites: string[] = [];
  private readonly declarations: string[] = [];
  private readonly lines: string[] = [];
  private readonly scopes: Map<string, Slot>[] = [new Map()];
  private readonly expressions: ExpressionWriter;
  private readonly size: number;
  private site = 0;
  private count = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly machine: Machine,
    uniforms: Partial<Record<UniformName, number>>,
    private readonly followPoison: boolean,
  ) {
    this.size = kernel.workgroupSize;
    this.expressions = new ExpressionWriter({
      kernel,
      uniforms,
      followPoison,
      find: (name) => this.find(name),
      tracked: (buffer) => machine.trackerOf(buffer) !== undefined,
      push: (line) => this.lines.push(line),
    });
  }

  write(): { text: string; sites: readonly string[] } {
    for (const b of this.kernel.buffers) {
      this.declarations.push(`const ${bufferName(b.name)} = m.array(${JSON.stringify(b.name)});`);
      if (this.machine.trackerOf(b.name))
        this.declarations.push(`const ${trackName(b.name)} = m.trackerOf(${JSON.stringify(b.name)});`);
    }
    for (const [i, a] of this.kernel.shared.entries()) {
      this.allocate(sharedName(a.name), arrayType[a.type.dtype], a.length * a.type.width);
      this.declarations.push(`const ${sharedName(a.name)}Track = m.sharedTracker(${i});`);
    }
    this.inStep(this.kernel.body);
    const text = [
      '"use strict";',
      helpers,
      ...this.declarations,
      "return (wx, wy, wz, first) => {",
      ...this.lines,
      "};",
    ].join("\n");
    return { text, sites: this.sites };
  }

  private find(name: string): Slot {
    for (const scope of this.scopes.toReversed()) {
      const slot = scope.get(name);
      if (slot) return slot;
    }
    throw new Error(`kernel ${this.kernel.name} uses ${name}, which is not declared where it is used`);
  }

  /** Loops that run in step have numbers for variables that are the same for all lanes. */
  private readonly isUniformVariable = (name: string): boolean => this.find(name).kind === "number";

  private begin(s: Statement): void {
    this.site = this.sites.push(printStatementHead(s).replace(/ \{$/, "")) - 1;
    this.expressions.begin(this.site);
  }

  private scoped(names: readonly (readonly [string, Slot])[], f: () => void): void {
    this.scopes.push(new Map(names));
    f();
    this.scopes.pop();
  }

  private allocate(js: string, type: string, length: number): void {
    this.declarations.push(`const ${js} = new ${type}(${length});`);
    if (this.followPoison) this.declarations.push(`const ${js}Poison = new Uint8Array(${length});`);
  }

  /** Statements for all lanes: runs of those that go lane by lane, and between them what keeps lanes in step. */
  private inStep(body: readonly Statement[]): void {
    let group: Statement[] = [];
    const flush = () => {
      const statements = group;
      group = [];
      if (statements.length > 0) this.forEachLane(() => this.laneByLane(statements));
    };
    for (const s of splitSelfBroadcasts(body)) {
      if (!runsByLane(s, (name) => this.isDeclared(name) && this.isUniformVariable(name))) {
        flush();
        this.together(s);
        continue;
      }
      if (group.some((g) => inOrder(footprint(g), footprint(s)))) flush();
      group.push(s);
    }
    flush();
  }

  private isDeclared(name: string): boolean {
    return this.scopes.some((scope) => scope.has(name));
  }

  private forEachLane(f: () => void): void {
    this.lines.push(`for (let l = 0; l < ${this.size}; l++) {`);
    f();
    this.lines.push("}");
  }

  private together(s: Statement): void {
    if (s.kind === "barrier") this.lines.push("m.barrier();");
    else if (s.kind === "for") this.loopTogether(s);
    else if (s.kind === "if") this.ifTogether(s);
    else throw new Error(`${s.kind} cannot be in the way of its own lanes`);
  }

  /** Values that all lanes must agree on, in fresh variables of JavaScript. */
  private agreed(s: For | If, values: readonly (For["from"] | If["condition"])[]): string[] {
    const names = values.map(() => `u${this.count++}`);
    this.begin(s);
    const uniform = values.every((v) => isUniformBound(v, this.isUniformVariable));
    this.lines.push(`let ${names.join(", ")};`);
    this.lines.push(`for (let l = 0; l < ${uniform ? 1 : this.size}; l++) {`);
    const parts = values.map((v) => this.expressions.write(v, "l"));
    for (const p of parts) this.expressions.refusePoison(p.poison[0], "l", "what decides control flow");
    const texts = parts.map((p) => p.values[0]);
    this.lines.push(`if (l === 0) { ${names.map((n, i) => `${n} = ${texts[i]};`).join(" ")} }`);
    this.lines.push(
      `else if (${names.map((n, i) => `${n} !== ${texts[i]}`).join(" || ")}) m.diverges(${this.site}, l);`,
    );
    this.lines.push("}");
    return names;
  }

  private loopTogether(s: For): void {
    const [from, to] = this.agreed(s, [s.from, s.to]);
    this.loop(s, from, to, () => this.inStep(s.body));
  }

  private loop(s: For, from: string, to: string, body: () => void): void {
    const js = `v${this.count++}_${mangle(s.variable)}`;
    const constant = s.from.kind === "constant" && s.to.kind === "constant";
    const range = constant ? ([Number(s.from.value), Number(s.to.value) - 1] as const) : undefined;
    this.lines.push(`for (let ${js} = ${from}; ${js} < ${to}; ${js} += ${s.step}) {`);
    this.scoped([[s.variable, { kind: "number", js, range }]], body);
    this.lines.push("}");
  }

  private ifTogether(s: If): void {
    const [condition] = this.agreed(s, [s.condition]);
    this.branch(condition, s, (body) => this.inStep(body));
  }

  private branch(condition: string, s: If, emit: (body: readonly Statement[]) => void): void {
    this.lines.push(`if (${condition}) {`);
    this.scoped([], () => emit(s.then));
    if (s.otherwise) {
      const { otherwise } = s;
      this.lines.push("} else {");
      this.scoped([], () => emit(otherwise));
    }
    this.lines.push("}");
  }

  private laneByLane(body: readonly Statement[]): void {
    for (const s of body) this.oneLane(s);
  }

  /** A statement for lane l. */
  private oneLane(s: Statement): void {
    this.begin(s);
    const value = (e: For["from"]) => {
      const { values, poison } = this.expressions.write(e, "l");
      this.expressions.refusePoison(poison[0], "l", "what decides control flow");
      return values[0];
    };
    switch (s.kind) {
      case "let": {
        const parts = this.expressions.write(s.value, "l");
        const slot = this.declare(s.name, s.value.dtype, s.value.width, []);
        this.set(slot, [], parts);
        return;
      }
      case "registers":
        this.registers(s);
        return;
      case "assign": {
        const slot = this.find(s.register);
        if (slot.kind !== "array") throw new Error(`${s.register} is a loop's variable and cannot be assigned`);
        this.set(slot, s.index, this.expressions.write(s.value, "l"));
        return;
      }
      case "store":
        this.store(s);
        return;
      case "sharedStore":
        this.sharedStore(s);
        return;
      case "for": {
        const [from, to] = [value(s.from), value(s.to)];
        this.loop(s, from, to, () => this.laneByLane(s.body));
        return;
      }
      case "if":
        this.branch(value(s.condition), s, (body) => this.laneByLane(body));
        return;
      case "barrier":
        throw new Error("a barrier is for all lanes");
    }
  }

  private declare(name: string, dtype: keyof typeof arrayType, width: number, shape: readonly number[]) {
    const js = `v${this.count++}_${mangle(name)}`;
    const slot = { kind: "array", js, dtype, width, shape } as const;
    const elements = shape.reduce((a, b) => a * b, 1) * width;
    this.allocate(js, arrayType[dtype], elements * this.size);
    this.scopes.at(-1)!.set(name, slot);
    return slot;
  }

  private registers(s: Extract<Statement, { kind: "registers" }>): void {
    const { js, shape, width } = this.declare(s.name, s.type.dtype, s.type.width, s.shape);
    const elements = shape.reduce((a, b) => a * b, 1) * width;
    const clear = this.followPoison ? ` ${js}Poison[q * ${this.size} + l] = 0;` : "";
    const initial = literal(s.initial, s.type.dtype);
    this.lines.push(`for (let q = 0; q < ${elements}; q++) { ${js}[q * ${this.size} + l] = ${initial};${clear} }`);
  }

  private set(slot: Slot & { kind: "array" }, index: readonly For["from"][], parts: Parts): void {
    parts.values.forEach((value, c) => {
      const at = this.expressions.bind(this.expressions.slotOffset(slot, index, "l", c));
      this.lines.push(`${slot.js}[${at}] = ${value};`);
      if (this.followPoison) this.lines.push(`${slot.js}Poison[${at}] = ${parts.poison[c]};`);
    });
  }

  /** An index of a store, which has to be inside. */
  private target(index: For["from"], name: string, length: number): string {
    const { values, poison } = this.expressions.write(index, "l");
    this.expressions.refusePoison(poison[0], "l", "the index of a store");
    const i = values[0];
    this.lines.push(
      `if (!(${i} >= 0 && ${i} < ${length})) m.outside(${this.site}, l, ${JSON.stringify(name)}, ${i}, ${length});`,
    );
    return i;
  }

  private store(s: Extract<Statement, { kind: "store" }>): void {
    const buffer = this.kernel.buffers.find((b) => b.name === s.buffer);
    if (!buffer?.writes) throw new Error(`kernel ${this.kernel.name} stores to ${s.buffer}, which it does not write`);
    const parts = this.expressions.write(s.value, "l");
    const i = this.target(s.index, s.buffer, buffer.length);
    parts.values.forEach((value, c) => {
      this.expressions.refusePoison(parts.poison[c], "l", "the value stored");
      const j = this.expressions.bind(buffer.width === 1 ? i : `${i} * ${buffer.width} + ${c}`);
      const where = `${this.site}, l, first + l, ${JSON.stringify(s.buffer)}, ${trackName(s.buffer)}, ${j}`;
      this.lines.push(`m.noteStore(${where}); ${bufferName(s.buffer)}[${j}] = ${value};`);
    });
  }

  private sharedStore(s: Extract<Statement, { kind: "sharedStore" }>): void {
    const array = this.kernel.shared.find((a) => a.name === s.array);
    if (!array) throw new Error(`kernel ${this.kernel.name} stores to ${s.array}, which it does not declare`);
    const parts = this.expressions.write(s.value, "l");
    const i = this.target(s.index, s.array, array.length);
    const js = sharedName(s.array);
    this.lines.push(`m.noteSharedStore(${this.site}, l, ${JSON.stringify(s.array)}, ${js}Track, ${i});`);
    parts.values.forEach((value, c) => {
      this.lines.push(`${js}[${i} * ${array.type.width} + ${c}] = ${value};`);
      if (this.followPoison) this.lines.push(`${js}Poison[${i} * ${array.type.width} + ${c}] = ${parts.poison[c]};`);
    });
  }
}

/** A statement that writes what its own broadcasts show first computes its value for all lanes. */
function splitSelfBroadcasts(body: readonly Statement[]): Statement[] {
  return body.flatMap((s, n): Statement[] => {
    const f = footprint(s);
    if (!["assign", "store", "sharedStore"].includes(s.kind) || !inOrder(f, f)) return [s];
    const { value } = s as Extract<Statement, { kind: "assign" | "store" | "sharedStore" }>;
    const name = `whole value ${n}`;
    const whole = { kind: "variable", name, dtype: value.dtype, width: value.width } as const;
    return [{ kind: "let", name, value }, { ...s, value: whole } as Statement];
  });
}
