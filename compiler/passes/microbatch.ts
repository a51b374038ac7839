/**
 * microbatch: under a limit on memory, groups whose values would be too large run for a few pictures at a time. Every
 * picture is computed as before and sums over pictures are added in the same order, so the bits are the same.
 */
import type { FusedProgram, Group } from "../ir/fused.ts";
import { planMemory } from "../plan/plan.ts";
import { type PlanProblem, planProblem } from "../plan/problem.ts";
import { type ScheduleOptions, scheduleProgram } from "../schedule/index.ts";
import { Groups } from "./microbatch/regions.ts";
import { type Sliced, searchSlices } from "./microbatch/search.ts";
import { Slicer } from "./microbatch/slice.ts";
import { batchUse } from "./microbatch/slicing.ts";
import { orderKernels } from "./order.ts";
import { canRematerialise } from "./rematerialise.ts";

/** Slices keep to parts of the limit: second runs of kernels and the packing need room of their own. */
const margins = [1, 0.9, 0.8, 0.7];
/** Where that is not enough, as little as slices can do is looked for in steps, the same whatever the limit. */
const rung = 0.9;

/**
 * The program with those of its groups in slices that a plan of at most `bytes` wants: the first way that is found to lead
 * to one, else the one that keeps least alive.
 */
export function microbatch(
  program: FusedProgram,
  { bytes, ...options }: Omit<ScheduleOptions, "program"> & { readonly bytes: number },
): FusedProgram {
  const ordered = (made: FusedProgram): PlanProblem => {
    const problem = planProblem(scheduleProgram({ ...options, program: made }), options.target);
    return { ...problem, kernels: orderKernels(problem) };
  };
  const whole = ordered(program);
  const use = planMemory(whole).arenaBytes > bytes ? batchUse(program) : undefined;
  if (!use) return program;

  const groups = new Groups(program, use);
  for (const margin of margins) {
    const made = cut(searchSlices(groups, margin * bytes));
    if (canRematerialise(ordered(made), bytes)) return made;
  }
  if (canRematerialise(whole, bytes)) return program;
  return cut(lowest(groups));
}

/** Slices for the lowest bound that they can keep to, wherever they can keep to any. */
function lowest(groups: Groups): Sliced {
  const unsliced = Math.max(0, ...groups.needs.filter((_, g) => !groups.use.slicings[g]));
  let found: Sliced = { groups, items: groups.items([])! };
  for (let bound = Math.max(...groups.live(found.items)); bound > unsliced; bound *= rung)
    found = searchSlices(groups, bound);
  return found;
}

/** Each item's groups for the first slice, then for the next. */
export function cut({ groups: { program, use }, items }: Sliced): FusedProgram {
  const slicer = new Slicer(program, use);
  const groups = items.flatMap(({ groups: numbers, slices, inside }): Group[] => {
    if (slices === 1) return numbers.map((g) => program.groups[g]);
    return Array.from({ length: slices }, (_, s) =>
      numbers.map((g) => slicer.slice(program.groups[g], use.slicings[g]!, s, slices, inside)),
    ).flat();
  });
  return { ...program, groups, layouts: slicer.layouts };
}
