/**
 * rematerialise: under a limit on memory, values that lie idle at the peak are made again for their later readers, by
 * running the kernel that made them a second time: the same text on the same numbers, so the same bits.
 */
import type { Target } from "../../runtime/program/schema.ts";
import type { Kernel } from "../ir/kernel.ts";
import type { KernelProgram } from "../ir/kernelProgram.ts";
import { PlanError } from "../plan/error.ts";
import { formatBytes } from "../plan/limits.ts";
import { planMemory } from "../plan/plan.ts";
import { bytesOf, type PlanProblem, planProblem } from "../plan/problem.ts";
import { floorOf, livesOf, operationsOf, type RerunFlow, rerunFlow } from "../plan/rerun/flow.ts";
import { type Unfolded, unfold } from "../plan/rerun/kernels.ts";
import { searchReruns } from "../plan/rerun/search.ts";

/** What the plan's bytes, arena and textures, may be at most. */
export interface MemoryLimit {
  readonly bytes: number;
  /** Where the limit cannot be met, the smallest plan that was found is taken instead of throwing. */
  readonly orSmallest?: boolean;
}

/** What a limit has cost. */
export interface Recomputation {
  /** Kernels that would run without it. */
  readonly kernels: number;
  /** How many more run: slices of them, and kernels once more. */
  readonly further: number;
  /** Operations executed, as a multiple of those without it. */
  readonly operations: number;
}

/** Packing takes more than the bound that a search can see: bounds to try for a limit, as parts of it. */
const margins = [1, 0.99, 0.975, 0.95, 0.92, 0.88];
/** A search that misses its bound by more than this does not get below it by being given a lower one. */
const hopeless = 1.1;
/** How many bounds between all and the least a kernel needs are tried for the smallest plan, fewer where there are very many
 * kernels; the lowest few are packed. */
const rungs = { few: 6, many: 16, upTo: 300 };
const packed = 3;

/**
 * The program, its kernels in an order and with second runs so that its plan takes at most the limit.
 * Throws PlanError KILN3002, which names the smallest limit that a plan was found for; compiling with that one succeeds.
 */
export function rematerialise(program: KernelProgram, target: Target, limit: MemoryLimit): KernelProgram {
  const { kernels, originals } = withinLimit(planProblem(program, target), limit);
  const layouts = new Map(program.layouts);
  for (const [copy, original] of originals) {
    const layout = layouts.get(original);
    if (layout) layouts.set(copy, layout);
  }
  return { ...program, kernels, layouts };
}

/** What a program's kernels cost more than those that it would have without a limit. */
export function recomputationIn({ kernels }: KernelProgram, without: KernelProgram): Recomputation {
  const once = sum(without.kernels);
  return {
    kernels: without.kernels.length,
    further: kernels.length - without.kernels.length,
    operations: once === 0 ? 1 : sum(kernels) / once,
  };
}

/** Operations that the kernels execute once `rematerialise` keeps to a limit; undefined where it cannot. */
export function operationsWithin(problem: PlanProblem, bytes: number): number | undefined {
  const attempt = new Attempt(problem);
  if (floorOf(attempt.flow).bytes > bytes) return undefined;
  const made = attempt.within(attempt.unlimited(), bytes);
  return made && sum(made.result.kernels);
}

/** Bytes of the smallest plan that `rematerialise` finds. */
export function smallestBytes(problem: PlanProblem): number {
  const attempt = new Attempt(problem);
  return attempt.smallest(attempt.unlimited()).arenaBytes;
}

function withinLimit(problem: PlanProblem, limit: MemoryLimit): Unfolded {
  const attempt = new Attempt(problem);
  const unlimited = attempt.unlimited();
  const made = attempt.within(unlimited, limit.bytes);
  if (made) return made.result;
  const smallest = attempt.smallest(unlimited);
  if (smallest.arenaBytes <= limit.bytes || limit.orSmallest) return smallest.result;
  throw limitError(problem, attempt.flow, limit.bytes, smallest.arenaBytes);
}

interface Made {
  readonly sequence: readonly number[];
  readonly arenaBytes: number;
  readonly result: Unfolded;
}

class Attempt {
  readonly flow: RerunFlow;

  constructor(private readonly problem: PlanProblem) {
    this.flow = rerunFlow(problem);
  }

  /** Every kernel once. */
  unlimited(): Made {
    return this.of(this.problem.kernels.map((_, k) => k));
  }

  /** Within a limit, or undefined where no way was found. */
  within(unlimited: Made, bytes: number): Made | undefined {
    if (unlimited.arenaBytes <= bytes) return unlimited;
    for (const margin of margins) {
      const { sequence, peak } = searchReruns(this.flow, unlimited.sequence, margin * bytes);
      if (peak > hopeless * bytes) return undefined;
      if (peak > bytes) continue;
      const made = this.of(sequence);
      if (made.arenaBytes <= bytes) return made;
    }
    return undefined;
  }

  /** What comes of a sequence of runs, packed. */
  of(sequence: readonly number[]): Made {
    const { problem } = this;
    const result = unfold(problem.kernels, sequence);
    return { sequence, arenaBytes: planMemory({ ...problem, kernels: result.kernels }).arenaBytes, result };
  }

  /** The smallest plan over a ladder of bounds, the same whatever the limit: a limit of its bytes can be met. */
  smallest(unlimited: Made): Made {
    const top = livesOf(this.flow, unlimited.sequence)!.peak;
    const floor = Math.min(top, floorOf(this.flow).bytes);
    const length = this.problem.kernels.length > rungs.upTo ? rungs.few : rungs.many;
    const bounds = Array.from({ length }, (_, i) => floor + ((top - floor) * i) / length);
    const found = bounds.map((bytes) => searchReruns(this.flow, unlimited.sequence, bytes, { thrifty: false }));
    const lowest = found.sort((a, b) => a.peak - b.peak || a.cost - b.cost).slice(0, packed);
    return lowest
      .map(({ sequence }) => this.of(sequence))
      .reduce((a, b) => (b.arenaBytes < a.arenaBytes ? b : a), unlimited);
  }
}

const sum = (kernels: readonly Kernel[]): number => kernels.reduce((all, kernel) => all + operationsOf(kernel), 0);

function limitError({ kernels }: PlanProblem, flow: RerunFlow, limit: number, smallest: number): PlanError {
  const { step, bytes } = floorOf(flow);
  const largest = kernels[step].buffers.reduce((a, b) => (bytesOf(b.value) > bytesOf(a.value) ? b : a));
  return new PlanError(
    "KILN3002",
    `no plan was found that takes at most ${formatBytes(limit)}: the smallest takes ${formatBytes(smallest)}, so set ` +
      `--memory-limit ${smallest} or more. Kernel ${kernels[step].name} alone has ${formatBytes(bytes)} at once.`,
    largest.value,
    null,
    smallest,
  );
}
