/**
 * Kernels that may run more than once. A schedule is a sequence of kernels by number; a read finds what the latest run
 * before it has made, so a second run ends the life of the first one's results at their last reader before it.
 * (Checkmate, arXiv 1910.02653, sections 3 and 4: which stage computes and which keeps each value follows from such a sequence.)
 */
import type { Kernel } from "../../ir/kernel.ts";
import { type Dataflow, dataflow } from "../dataflow.ts";
import { bytesOf, type PlanProblem } from "../problem.ts";
import { bytesInTexture, valuesInTextures } from "../steps.ts";

/** A problem's dataflow, with what running its kernels again costs and requires. */
export interface RerunFlow {
  readonly flow: Dataflow;
  /** By kernel: what a run costs, in operations. Null where a second run would be wrong: it updates a state, or writes a part
   * of a value. */
  readonly costs: readonly (number | null)[];
  /** By kernel: those that overwrite a state which it reads; every run of it comes before them. */
  readonly overwrites: readonly (readonly number[])[];
  /** By kernel: bytes in textures while it runs. */
  readonly textures: readonly number[];
}

/** What a kernel executes. */
export const operationsOf = (kernel: Kernel): number => kernel.executedOperations ?? kernel.operations;

/** A byte that a kernel reads or writes counts as an operation, so that what only moves tensors is not free. */
const costOf = (kernel: Kernel): number =>
  operationsOf(kernel) + [...new Set(kernel.buffers.map((b) => b.value))].reduce((sum, v) => sum + bytesOf(v), 0);

const writesPart = (kernel: Kernel): boolean => kernel.buffers.some((b) => b.writes && b.value.part);

/** Throws as `dataflow` does. */
export function rerunFlow(problem: PlanProblem): RerunFlow {
  const { kernels, updates } = problem;
  const next = new Map(updates.map((u) => [u.next, u.state]));
  const updaters = new Map(
    kernels.flatMap((kernel, k) =>
      kernel.buffers.flatMap((b) => (b.writes && next.has(b.value) ? [[next.get(b.value)!, k] as const] : [])),
    ),
  );
  const written = new Set(updaters.values());
  return {
    flow: dataflow(problem),
    costs: kernels.map((kernel, k) => (written.has(k) || writesPart(kernel) ? null : costOf(kernel))),
    overwrites: kernels.map((kernel, k) => [
      ...new Set(kernel.buffers.flatMap((b) => updaters.get(b.value) ?? []).filter((u) => u !== k)),
    ]),
    textures: kernels.map((kernel) => valuesInTextures(kernel).reduce((sum, v) => sum + bytesInTexture(v), 0)),
  };
}

/** What a run has made of a value; it lives over positions start <= i < end. */
export interface Copy {
  readonly value: number;
  readonly start: number;
  end: number;
  /** Positions that read it. */
  readonly readers: number[];
}

export interface Lives {
  readonly copies: readonly Copy[];
  /** By position: bytes alive. */
  readonly live: Float64Array;
  readonly peak: number;
}

/**
 * Lifetimes under a sequence, by the rules of `liveness`. Undefined where the sequence is not valid: a value is read before
 * it is there, or a state after it was overwritten.
 */
export function livesOf({ flow, overwrites, textures }: RerunFlow, sequence: readonly number[]): Lives | undefined {
  const last = Math.max(1, sequence.length);
  const latest: (Copy | undefined)[] = [];
  const copies: Copy[] = [];
  const ran = new Uint8Array(flow.steps.length);
  const staying = new Set<Copy>();
  const make = (value: number, start: number) => {
    const copy: Copy = { value, start, end: start + 1, readers: [] };
    copies.push(copy);
    // Of a value that lives to the end the first copy does: what comes after is only for its readers.
    if (flow.kept[value] && !latest[value]) {
      copy.end = last;
      staying.add(copy);
    }
    latest[value] = copy;
  };
  flow.writer.forEach((writer, v) => {
    if (writer < 0) make(v, 0);
  });
  const readAt: Copy[][] = [];
  for (let i = 0; i < sequence.length; i++) {
    const k = sequence[i];
    for (const other of overwrites[k]) if (ran[other]) return undefined;
    const reads: Copy[] = [];
    for (const v of flow.reads[k]) {
      const copy = latest[v];
      if (!copy) return undefined;
      copy.end = Math.max(copy.end, i + 1);
      copy.readers.push(i);
      reads.push(copy);
    }
    readAt.push(reads);
    if (!ran[k]) for (const earlier of flow.before[k]) if (!ran[earlier]) return undefined;
    ran[k] = 1;
    for (const v of flow.writes[k]) make(v, i);
  }

  const change = new Float64Array(last + 1);
  for (const { value, start, end } of copies) {
    change[start] += flow.sizes[value];
    change[end] -= flow.sizes[value];
  }
  for (let i = 0; i < sequence.length; i++) {
    const k = sequence[i];
    change[i] += textures[k];
    change[i + 1] -= textures[k];
    const given = new Set<number>();
    for (const [written, read] of flow.pairs[k]) {
      const copy = readAt[i][flow.reads[k].indexOf(read)];
      if (copy.end !== i + 1 || staying.has(copy) || given.has(read) || given.has(written)) continue;
      given.add(read).add(written);
      change[i] -= flow.sizes[written];
      change[i + 1] += flow.sizes[written];
    }
  }
  const live = new Float64Array(last);
  let sum = 0;
  let peak = 0;
  for (let i = 0; i < last; i++) {
    sum += change[i];
    live[i] = sum;
    if (sum > peak) peak = sum;
  }
  return { copies, live, peak };
}

/** Cost of the runs beyond the first of each kernel. */
export function costOfReruns({ costs, flow }: RerunFlow, sequence: readonly number[]): number {
  const ran = new Uint8Array(flow.steps.length);
  let cost = 0;
  for (const k of sequence) {
    if (ran[k]) cost += costs[k] ?? Number.POSITIVE_INFINITY;
    ran[k] = 1;
  }
  return cost;
}

/**
 * The kernel that needs most at once, and its bytes: what it reads and writes is there while it runs, whatever runs before.
 * No order and no second runs go below.
 */
export function floorOf({ flow, textures }: RerunFlow): { readonly step: number; readonly bytes: number } {
  const needs = flow.steps.map((_, k) => {
    const paired = flow.pairs[k].reduce((bytes, [written]) => Math.max(bytes, flow.sizes[written]), 0);
    const touched = new Set([...flow.reads[k], ...flow.writes[k]]);
    return [...touched].reduce((bytes, v) => bytes + flow.sizes[v], textures[k] - paired);
  });
  const bytes = Math.max(0, ...needs);
  return { step: needs.indexOf(bytes), bytes };
}
