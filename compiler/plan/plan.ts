/** Kernels in order -> every value at an offset. */
import { textureBytes } from "../../runtime/program/texture.ts";
import { partOffset, partsAmong } from "../ir/parts.ts";
import type { Plan, PlanBuffer } from "../ir/plan.ts";
import { dataflow } from "./dataflow.ts";
import { checkTensorSizes } from "./limits.ts";
import { liveness, lowerBound, type ValueBlock } from "./liveness.ts";
import { pack } from "./pack.ts";
import { pageBytes } from "./place.ts";
import { bytesOf, type PlanProblem, roundToSlice, sliceAlignment } from "./problem.ts";
import { shareTextures } from "./shareTextures.ts";
import { withCopies } from "./steps.ts";

/**
 * The plan of a problem whose kernels stand in the order in which they run.
 * Throws PlanError where a tensor is over the target's limits, and Error where the order is not valid.
 */
export function planMemory(problem: PlanProblem): Plan {
  checkTensorSizes(problem);
  const { steps, sources } = withCopies(problem.kernels);
  const flow = dataflow(problem, { steps, sources });
  const { start, end, blocks: all } = liveness(flow);
  const inTexture = (block: ValueBlock) => sources.has(flow.values[block.values[0]]);
  const blocks = all.filter((block) => !inTexture(block));
  const page = Math.floor(problem.target.limits.maxBufferSize / sliceAlignment) * sliceAlignment;
  const { offsets } = pack(blocks, page);
  const arenas = pageBytes(blocks, offsets, page).filter((bytes) => bytes > 0);
  const arenaStart = startsOf(pageBytes(blocks, offsets, page));

  const parts = partsAmong(problem.kernels.flatMap((kernel) => kernel.buffers.map((b) => b.value)));
  const buffers: PlanBuffer[] = [];
  blocks.forEach((block, b) => {
    const p = Math.floor(offsets[b] / page);
    const offset = arenaStart[p] + (offsets[b] - p * page);
    for (const v of block.values) {
      const at = { start: start[v], end: end[v] };
      buffers.push({ value: flow.values[v], offset, size: flow.sizes[v], ...at });
      for (const part of parts.get(flow.values[v]) ?? [])
        buffers.push({ value: part, offset: offset + partOffset(part), size: roundToSlice(bytesOf(part)), ...at });
    }
  });
  buffers.sort((a, b) => a.start - b.start || a.offset - b.offset);
  const { textures, gpuTextures } = shareTextures(
    all.filter(inTexture).map(({ values: [v], ...block }) => {
      const value = flow.values[v];
      return { value, source: sources.get(value)!, ...block };
    }),
  );
  return {
    buffers,
    textures,
    arenas,
    gpuTextures,
    arenaBytes: sum(arenas) + sum(gpuTextures.map(textureBytes)),
    lowerBoundBytes: lowerBound(all),
    persistentBytes: sum(problem.states.map(bytesOf)),
    dispatches: steps.map(({ kernel, reads, writes }) =>
      kernel ? { kernel, reads, writes } : { reads: [reads[0]], writes: [writes[0]] },
    ),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Where each page begins once what is left over at the end of those before is cut off. */
function startsOf(used: readonly number[]): number[] {
  let sum = 0;
  return used.map((bytes) => {
    const start = sum;
    sum += bytes;
    return start;
  });
}
