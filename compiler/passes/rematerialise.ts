/**
 * rematerialise: under a limit on memory, values that lie idle at the peak are made again for their later readers, by
 * running the kernel that made them a second time: the same text on the same numbers, so the same bits.
 */
import type { Kernel } from "../ir/kernel.ts";
import type { Value } from "../ir/types.ts";
import { PlanError } from "../plan/error.ts";
import { formatBytes } from "../plan/limits.ts";
import { planMemory } from "../plan/plan.ts";
import { bytesOf, type PlanProblem } from "../plan/problem.ts";
import { floorOf, livesOf, operationsOf, type RerunFlow, rerunFlow } from "../plan/rerun/flow.ts";
import { type Unfolded, unfold } from "../plan/rerun/kernels.ts";
import { searchReruns } from "../plan/rerun/search.ts";

/** What the plan's bytes, arena and textures, may be at most. */
export interface MemoryLimit {
  readonly bytes: number;
  /** Where the limit cannot be met, the smallest plan that was found is taken instead of throwing. */
  readonly orSmallest?: boolean;
}

/** What a limit has done to the kernels of an entry point. */
export interface Rematerialised {
  readonly problem: PlanProblem;
  /** Each value of a second run, with the one that it equals. */
  readonly originals: ReadonlyMap<Value, Value>;
  /** Kernels that run a second time or more. */
  readonly again: readonly Kernel[];
  /** Operations executed, second runs included, as a multiple of those without. */
  readonly operations: number;
}

/** Packing takes more than the bound that a search can see: bounds to try for a limit, as parts of it. */
const margins = [1, 0.99, 0.975, 0.95, 0.92, 0.88];
/** How many bounds between all and the least a kernel needs are tried for the smallest plan; the lowest few are packed. */
const rungs = 16;
const packed = 3;

/**
 * The problem, its kernels in an order and with second runs so that its plan takes at most the limit.
 * Throws PlanError KILN3002, which names the smallest limit that a plan was found for; compiling with that one succeeds.
 */
export function rematerialise(problem: PlanProblem, limit: MemoryLimit): Rematerialised {
  const attempt = new Attempt(problem);
  const unlimited = attempt.of(problem.kernels.map((_, k) => k));
  if (unlimited.arenaBytes <= limit.bytes) return unlimited.result;
  for (const margin of margins) {
    const { sequence, peak } = searchReruns(attempt.flow, unlimited.sequence, margin * limit.bytes);
    if (peak > limit.bytes) continue;
    const made = attempt.of(sequence);
    if (made.arenaBytes <= limit.bytes) return made.result;
  }
  const smallest = attempt.smallest(unlimited);
  if (smallest.arenaBytes <= limit.bytes || limit.orSmallest) return smallest.result;
  throw limitError(problem, attempt.flow, limit.bytes, smallest.arenaBytes);
}

interface Made {
  readonly sequence: readonly number[];
  readonly arenaBytes: number;
  readonly result: Rematerialised;
}

class Attempt {
  readonly flow: RerunFlow;
  private readonly operations: number;

  constructor(private readonly problem: PlanProblem) {
    this.flow = rerunFlow(problem);
    this.operations = sum(problem.kernels);
  }

  /** What comes of a sequence of runs, packed. */
  of(sequence: readonly number[]): Made {
    const { problem } = this;
    const { kernels, originals, again }: Unfolded = unfold(problem.kernels, sequence);
    const made = { ...problem, kernels };
    const operations = this.operations === 0 ? 1 : 1 + sum(again) / this.operations;
    return {
      sequence,
      arenaBytes: planMemory(made).arenaBytes,
      result: { problem: made, originals, again, operations },
    };
  }

  /** The smallest plan over a ladder of bounds, the same whatever the limit: a limit of its bytes can be met. */
  smallest(unlimited: Made): Made {
    const top = livesOf(this.flow, unlimited.sequence)!.peak;
    const floor = Math.min(top, floorOf(this.flow).bytes);
    const bounds = Array.from({ length: rungs }, (_, i) => floor + ((top - floor) * i) / rungs);
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
