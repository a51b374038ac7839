/** Who writes and who reads every value, by number: what ordering and liveness both compute on. */
import type { Value } from "../ir/types.ts";
import { bytesOf, type PlanProblem, roundToSlice } from "./problem.ts";
import { bytesInTexture, kernelStep, type Step, type Steps } from "./steps.ts";

export interface Dataflow {
  readonly steps: readonly Step[];
  /** Values of the arena and copies in textures: inputs first, then in the order in which steps write them. */
  readonly values: readonly Value[];
  /** Bytes of each: in the arena rounded to slices, in textures whole rows of texels. */
  readonly sizes: readonly number[];
  /** Step that writes the value; -1 for an input. */
  readonly writer: readonly number[];
  /** Steps that read the value, the writer left out. */
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
 * Dataflow of a problem's kernels, or of the steps that run them, whatever their order.
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
  steps.forEach((step, k) => {
    for (const value of step.writes) if (!outside.has(value)) add(value, k);
  });

  const readers: number[][] = values.map(() => []);
  const reads: number[][] = [];
  const writes: number[][] = [];
  const before = steps.map(() => new Set<number>());
  steps.forEach((step, k) => {
    const arenaReads: number[] = [];
    for (const value of step.reads) {
      if (outside.has(value)) continue;
      const v = number.get(value);
      if (v === undefined) throw new Error(`plan: ${step.name} reads %${value.name}, which no kernel writes`);
      if (writer[v] === k) continue;
      arenaReads.push(v);
      readers[v].push(k);
      if (writer[v] >= 0) before[k].add(writer[v]);
    }
    reads.push(arenaReads);
    writes.push(step.writes.flatMap((value) => number.get(value) ?? []));
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
