/** fit-textures: operands in textures as far as memory allows. */
import { textureBytes as bytesOfTexture } from "../../runtime/program/texture.ts";
import type { FusedProgram } from "../ir/fused.ts";
import type { Kernel } from "../ir/kernel.ts";
import { bytesPerElement, elementCount, type Value } from "../ir/types.ts";
import { dataflow } from "../plan/dataflow.ts";
import { liveness, lowerBound } from "../plan/liveness.ts";
import { type PlanProblem, planProblem } from "../plan/problem.ts";
import { shareTextures } from "../plan/shareTextures.ts";
import { valuesInTextures, withCopies } from "../plan/steps.ts";
import { type ScheduleOptions, scheduleProgram, textureChoice } from "../schedule/index.ts";
import { orderKernels } from "./order.ts";

/**
 * Textures are speed bought with memory, which they cannot share with the arena. A plan may take so much more than its
 * lower bound, and one of `largePlan` or more hardly grows for them at all.
 */
const mostOverBound = 1.14;
const largePlan = 200 * 2 ** 20;
const mostGrowth = 1.035;

/**
 * The program, with a limit to the textures of those of its groups whose kernels would make the plan too large. What
 * memory they take is told from the kernels scheduled as they like, in the order in which they would run.
 */
export function fitTextures(program: FusedProgram, options: Omit<ScheduleOptions, "program">): FusedProgram {
  const scheduling = { ...options, program };
  const scheduled = scheduleProgram(scheduling);
  if (scheduled.kernels.every((kernel) => valuesInTextures(kernel).length === 0)) return program;
  const problem = planProblem(scheduled, options.target);
  const ordered = { ...problem, kernels: orderKernels(problem) };
  const groups = new Map(program.groups.map((g) => [g.name, g]));
  const choices = new Map<string, (textureBytes: number) => readonly Value[]>();
  for (const kernel of scheduled.kernels)
    if (valuesInTextures(kernel).length > 0)
      choices.set(kernel.name, textureChoice(groups.get(kernel.name)!, scheduling));

  const budgets = [...new Set([...choices.values()].flatMap(steps))].sort((a, b) => b - a);
  const sourcesWithin =
    (budget: number) =>
    ({ name }: Kernel) =>
      choices.get(name)?.(budget) ?? [];
  const without = memoryOf(ordered, () => []).total;
  const fits = (budget: number): boolean => {
    const { total, bound } = memoryOf(ordered, sourcesWithin(budget));
    return total <= mostOverBound * bound && total <= Math.max(largePlan, mostGrowth * without);
  };
  // Less for each kernel takes less in all: the first that fits is looked for by halves.
  let [from, to] = [0, budgets.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (fits(budgets[middle])) to = middle;
    else from = middle + 1;
  }
  const most = budgets[to] ?? 0;
  const limited = new Set(
    scheduled.kernels
      .filter((kernel) => {
        const wanted = sourcesWithin(most)(kernel);
        const has = valuesInTextures(kernel);
        return wanted.length !== has.length || !wanted.every((v) => has.includes(v));
      })
      .map(({ name }) => name),
  );
  return { ...program, groups: program.groups.map((g) => (limited.has(g.name) ? { ...g, textureBytes: most } : g)) };
}

const sum = (values: readonly Value[]): number =>
  values.reduce((bytes, { type }) => bytes + elementCount(type.shape) * bytesPerElement, 0);

/** Every amount of bytes at which a choice becomes another, from what it wants down. */
function steps(choice: (textureBytes: number) => readonly Value[]): number[] {
  const all: number[] = [];
  for (let bytes = sum(choice(Number.POSITIVE_INFINITY)); bytes > 0; bytes = sum(choice(bytes - 1))) {
    if (all.at(-1) === bytes) break; // a choice that does not listen
    all.push(bytes);
  }
  return all;
}

/** Bytes of arena and textures where each kernel has these copies, and their lower bound; the arena taken as packed well. */
function memoryOf(
  problem: PlanProblem,
  sourcesOf: (kernel: Kernel) => readonly Value[],
): { readonly total: number; readonly bound: number } {
  const made = withCopies(problem.kernels, sourcesOf);
  const flow = dataflow(problem, made);
  const { blocks } = liveness(flow);
  const copyOf = (block: { readonly values: readonly number[] }) => flow.values[block.values[0]];
  const { gpuTextures } = shareTextures(
    blocks.flatMap((block) => {
      const value = copyOf(block);
      const source = made.sources.get(value);
      return source ? [{ value, source, size: block.size, start: block.start, end: block.end }] : [];
    }),
  );
  const arena = lowerBound(blocks.filter((block) => !made.sources.has(copyOf(block))));
  const total = gpuTextures.reduce((bytes, extent) => bytes + bytesOfTexture(extent), arena);
  return { total, bound: lowerBound(blocks) };
}
