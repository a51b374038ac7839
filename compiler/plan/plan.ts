/** Kernels in order -> every value at an offset. */
import type { Plan, PlanBuffer } from "../ir/plan.ts";
import { dataflow } from "./dataflow.ts";
import { checkTensorSizes } from "./limits.ts";
import { liveness, lowerBound } from "./liveness.ts";
import { pack } from "./pack.ts";
import { pageBytes } from "./place.ts";
import { bytesOf, type PlanProblem, sliceAlignment, valuesRead, valuesWritten } from "./problem.ts";

/**
 * The plan of a problem whose kernels stand in the order in which they run.
 * Throws PlanError where a tensor is over the target's limits, and Error where the order is not valid.
 */
export function planMemory(problem: PlanProblem): Plan {
  checkTensorSizes(problem);
  const flow = dataflow(problem);
  const { start, end, blocks } = liveness(flow);
  const page = Math.floor(problem.target.limits.maxBufferSize / sliceAlignment) * sliceAlignment;
  const { offsets } = pack(blocks, page);
  const arenas = pageBytes(blocks, offsets, page).filter((bytes) => bytes > 0);
  const arenaStart = startsOf(pageBytes(blocks, offsets, page));

  const buffers: PlanBuffer[] = [];
  blocks.forEach((block, b) => {
    const p = Math.floor(offsets[b] / page);
    const offset = arenaStart[p] + (offsets[b] - p * page);
    for (const v of block.values) {
      buffers.push({ value: flow.values[v], offset, size: flow.sizes[v], start: start[v], end: end[v] });
    }
  });
  buffers.sort((a, b) => a.start - b.start || a.offset - b.offset);
  return {
    buffers,
    arenas,
    arenaBytes: arenas.reduce((a, b) => a + b, 0),
    lowerBoundBytes: lowerBound(blocks),
    persistentBytes: problem.states.reduce((sum, state) => sum + bytesOf(state), 0),
    dispatches: problem.kernels.map((kernel) => ({
      kernel,
      reads: valuesRead(kernel),
      writes: valuesWritten(kernel),
    })),
  };
}

/** Where each page begins once what is left over at the end of those before is cut off. */
function startsOf(used: readonly number[]): number[] {
  let sum = 0;
  return used.map((bytes) => {
    const start = sum;
    sum += bytes;
    return start;
  });
}
