/**
 * microbatch: under a limit on memory, groups whose values would be too large run for a few pictures at a time. Every
 * picture is computed as before and sums over pictures are added in the same order, so the bits are the same.
 */
import type { FusedProgram, Group } from "../ir/fused.ts";
import { planMemory } from "../plan/plan.ts";
import { type PlanProblem, planProblem } from "../plan/problem.ts";
import { operationsOf } from "../plan/rerun/flow.ts";
import { type ScheduleOptions, scheduleProgram } from "../schedule/index.ts";
import { Live } from "./microbatch/live.ts";
import { Groups } from "./microbatch/regions.ts";
import { type Sliced, searchSlices } from "./microbatch/search.ts";
import { Slicer } from "./microbatch/slice.ts";
import { batchUse } from "./microbatch/slicing.ts";
import { orderKernels } from "./order.ts";
import { operationsWithin, smallestBytes } from "./rematerialise.ts";

/** Slices keep to parts of the limit: second runs of kernels and the packing need room of their own. */
const margins = [1, 0.9, 0.8, 0.7];
/** Where that is not enough, as little as slices can do is looked for in steps, the same whatever the limit. */
const rung = 0.8;
const leastFall = 0.99;
/** Second runs of whole kernels that cost at most so many times the operations: slices are not looked for. */
const cheap = 1.2;
/** Programs with more groups than so many times as many take too long to compile for what they save. */
const mostGroups = 16;

/**
 * The program with those of its groups in slices that a plan of at most `bytes` wants: as it was where second runs of its
 * kernels cost less than slices, and where neither leads to such a plan, the slices that keep least alive.
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
  const again = operationsWithin(whole, bytes);
  if (again && again <= cheap * whole.kernels.reduce((sum, kernel) => sum + operationsOf(kernel), 0)) return program;

  const groups = new Groups(program, use, options);
  for (const margin of margins) {
    const made = cut(searchSlices(groups, margin * bytes));
    if (made.groups.length > mostGroups * program.groups.length) break;
    const operations = operationsWithin(ordered(made), bytes);
    if (operations) return again && again <= operations ? program : made;
  }
  if (again) return program;
  const least = cut(lowest(groups));
  return smallestBytes(ordered(least)) < smallestBytes(whole) ? least : program;
}

/** Of the slices for ever lower bounds those that need least at once; of such as need about as much, the fewest. */
function lowest(groups: Groups): Sliced {
  const { batch, slicings } = groups.use;
  const floor = Math.max(1, ...groups.needs.map((bytes, g) => (slicings[g] ? bytes / batch : bytes)));
  const needed = (sliced: Sliced) => peakOf(new Live(sliced.groups).of(sliced.items, { used: true }));
  const whole: Sliced = { groups, items: groups.items([])! };
  let best = { sliced: whole, needed: needed(whole) };
  for (let bound = peakOf(new Live(groups).of(whole.items)); bound > floor; bound *= rung) {
    const sliced = searchSlices(groups, bound);
    const now = needed(sliced);
    if (now < leastFall * best.needed) best = { sliced, needed: now };
  }
  return best.sliced;
}

const peakOf = (live: Float64Array): number => live.reduce((a, b) => Math.max(a, b), 0);

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
