/** Who writes and who reads every value, by number: what ordering and liveness both compute on. */
import { partsAmong, shareRows, wholeOf } from "../ir/parts.ts";
import type { Value } from "../ir/types.ts";
import { bytesOf, type PlanProblem, roundToSlice } from "./problem.ts";
import { bytesInTexture, kernelStep, type Step, type Steps } from "./steps.ts";

export interface Dataflow {
  readonly steps: readonly Step[];
  /** Values of the arena and copies in textures: inputs first, then in the order in which steps write them. */
  readonly values: readonly Value[];
  /** Bytes of each: in the arena rounded to slices, in textures whole rows of texels. */
  readonly sizes: readonly number[];
  /** Step that writes the value, of one that is written in parts the one that writes the first; -1 for an input. */
  readonly writer: readonly number[];
  /** Steps that read the value or parts of it, or write a further part of it: it lives on for them. */
  readonly readers: readonly (readonly number[])[];
  /** Whether the value lives to the end. */
  readonly kept: readonly boolean[];
  /** By step: values written and read. */
  readonly writes: readonly (readonly number[])[];
  readonly reads: readonly (readonly number[])[];
  /** By step: pairs [written, read] that may share their place if the read one dies there. */
  readonly pairs: readonly (readonly (readonly [number, number])[])[];
  /** By step: steps that must run before, and after. */
  readonly before: readonly (readonly number[])[];
  readonly after: readonly (readonly number[])[];
}

/**
 * Dataflow of a problem's kernels, or of the steps that run them, whatever their order. What is stored in parts is one
 * value, the whole; its parts are written in their order.
 * Throws where a value has two writers, or where one that is read has none: no plan can be right then.
 */
export function dataflow(
  problem: PlanProblem,
  { steps, sources }: Steps = { steps: problem.kernels.map(kernelStep), sources: new Map() },
): Dataflow {
  const outside = new Set<Value>([...problem.states, ...problem.updates.map((u) => u.next), ...problem.external]);
  const number = new Map<Value, number>();
  const values: Value[] = [];
  const writer: number[] = [];
  const add = (value: Value, by: number) => {
    if (number.has(value))
      throw new Error(`plan: %${value.name} is written twice${by < 0 ? "" : `, at last by ${steps[by].name}`}`);
    number.set(value, values.length);
    values.push(value);
    writer.push(by);
  };
  for (const input of problem.inputs) if (!outside.has(input)) add(input, -1);
  const inParts = partWriters(steps);
  steps.forEach((step, k) => {
    for (const value of step.writes) {
      const parts = value.part && inParts.get(value.part.of)!;
      if (!outside.has(value) && (!parts || parts[0].step === k)) add(wholeOf(value), k);
    }
  });

  const readers: number[][] = values.map(() => []);
  const reads: number[][] = [];
  const writes: number[][] = [];
  const before = steps.map(() => new Set<number>());
  steps.forEach((step, k) => {
    const arenaReads = new Set<number>();
    for (const value of step.reads) {
      if (outside.has(value)) continue;
      const v = number.get(wholeOf(value));
      if (v === undefined) throw new Error(`plan: ${step.name} reads %${value.name}, which no kernel writes`);
      if (writer[v] === k) continue;
      arenaReads.add(v);
      if (writer[v] >= 0) before[k].add(writer[v]);
      for (const part of inParts.get(values[v]) ?? [])
        if (part.step !== k && shareRows(part.value, value)) before[k].add(part.step);
    }
    for (const { part } of step.writes) {
      const parts = part ? inParts.get(part.of)! : [];
      const earlier = parts[parts.findIndex(({ step }) => step === k) - 1];
      if (!part || !earlier) continue;
      before[k].add(earlier.step);
      arenaReads.add(number.get(part.of)!);
    }
    for (const v of arenaReads) readers[v].push(k);
    reads.push([...arenaReads]);
    writes.push(step.writes.flatMap((value) => number.get(wholeOf(value)) ?? []).filter((v) => writer[v] === k));
  });
  orderVersions(problem, steps, before);

  for (const output of problem.outputs) {
    if (!outside.has(output) && !number.has(output)) throw new Error(`plan: nothing writes the output %${output.name}`);
  }
  const outputs = new Set(problem.outputs);
  const sizes = values.map((value) => (sources.has(value) ? bytesInTexture(value) : roundToSlice(bytesOf(value))));
  const after: number[][] = steps.map(() => []);
  before.forEach((set, k) => {
    for (const earlier of set) after[earlier].push(k);
  });
  return {
    steps,
    values,
    sizes,
    writer,
    readers,
    kept: values.map((value) => outputs.has(value)),
    writes,
    reads,
    pairs: steps.map((step, k) =>
      step.inPlace.flatMap(([written, read]) => {
        const w = number.get(written);
        const r = number.get(read);
        const fits =
          w !== undefined && r !== undefined && writer[w] === k && reads[k].includes(r) && sizes[w] === sizes[r];
        return fits ? [[w, r] as const] : [];
      }),
    ),
    before: before.map((set) => [...set]),
    after,
  };
}

interface PartWriter {
  readonly value: Value;
  readonly step: number;
}

/** Of each value that is written in parts, who writes them, in the order of their rows. */
function partWriters(steps: readonly Step[]): Map<Value, PartWriter[]> {
  const writer = new Map<Value, number>();
  steps.forEach((step, k) => {
    for (const value of step.writes) {
      if (value.part && writer.has(value))
        throw new Error(`plan: %${value.name} is written twice, at last by ${step.name}`);
      writer.set(value, k);
    }
  });
  const parts = [...partsAmong(writer.keys())];
  return new Map(parts.map(([whole, list]) => [whole, list.map((value) => ({ value, step: writer.get(value)! }))]));
}

/** Readers of a state's version run before the kernel that writes the next, and readers of the next after it. */
function orderVersions(problem: PlanProblem, steps: readonly Step[], before: Set<number>[]): void {
  const readersOf = new Map<Value, number[]>();
  const writerOf = new Map<Value, number>();
  steps.forEach((step, k) => {
    for (const value of step.reads) readersOf.set(value, [...(readersOf.get(value) ?? []), k]);
    for (const value of step.writes) writerOf.set(value, k);
  });
  for (const { state, next } of problem.updates) {
    const writer = writerOf.get(next);
    if (writer === undefined)
      throw new Error(`plan: no kernel writes %${next.name}, the next version of %${state.name}`);
    for (const reader of readersOf.get(state) ?? []) if (reader !== writer) before[writer].add(reader);
    for (const reader of readersOf.get(next) ?? []) if (reader !== writer) before[reader].add(writer);
    const earlier = writerOf.get(state);
    if (earlier !== undefined && earlier !== writer) before[writer].add(earlier);
  }
}
