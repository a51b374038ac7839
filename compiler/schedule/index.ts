/** From fused groups to kernels. */

import type { Target } from "../../runtime/program/schema.ts";
import type { FusedProgram, Group } from "../ir/fused.ts";
import type { Kernel } from "../ir/kernel.ts";
import type { KernelProgram } from "../ir/kernelProgram.ts";
import { shareGroup } from "../ir/share.ts";
import type { Value } from "../ir/types.ts";
import { vectorsAreLanes } from "../target/kind.ts";
import { boundAccesses } from "./bounded.ts";
import { scheduleBroadcast } from "./broadcast.ts";
import { asContraction, type Contraction } from "./contraction.ts";
import { scheduleDirect } from "./direct.ts";
import { scheduleMap } from "./map.ts";
import type { ScheduleMemo } from "./memo.ts";
import { type ContractionSchedule, defaultSchedule, readFromTextures, scheduleProblems } from "./tile.ts";
import { asTransform, scheduleTransform } from "./transform.ts";
import { scheduleWorkgroup } from "./workgroup.ts";

/**
 * Chooses a schedule for a contraction, where not the target's default: measurements, or a test's wish. Where operands in
 * textures would take the plan too much memory, it is asked again, for one with at most `textureBytes` of them.
 */
export type ScheduleChoice = (
  c: Contraction,
  standard: ContractionSchedule,
  textureBytes: number,
) => ContractionSchedule;

/** What a program's groups are scheduled for. */
export interface ScheduleOptions {
  readonly program: FusedProgram;
  readonly target: Target;
  readonly choose?: ScheduleChoice;
  /** What was scheduled before for the same target, by the same choice. */
  readonly memo?: ScheduleMemo;
}

/** The schedule of a contraction where it may have at most so many bytes of textures. */
export function chosenSchedule(
  c: Contraction,
  { target, choose }: ScheduleOptions,
  textureBytes = Number.POSITIVE_INFINITY,
): ContractionSchedule {
  const standard = defaultSchedule(c, target, textureBytes);
  return choose ? choose(c, standard, textureBytes) : standard;
}

/** A group as the scheduler sees it, where it is a contraction. */
export function contractionOf(group: Group, { layouts }: FusedProgram): Contraction | undefined {
  const shared = shareGroup(group);
  return asTransform(shared, layouts) ? undefined : asContraction(shared, layouts);
}

/** Throws an Error that says why where the chosen schedule cannot be built. */
export function scheduleGroup(group: Group, options: ScheduleOptions): Kernel {
  const { textureBytes } = group;
  const made = () => {
    const kernel = build(group, options);
    return vectorsAreLanes(options.target) ? boundAccesses(kernel) : kernel;
  };
  const kernel = options.memo?.kernel(group, options.program.layouts, textureBytes, made) ?? made();
  const { name, locations, ops, algorithm } = group;
  return { ...kernel, name, locations, ops, ...(algorithm === undefined ? {} : { algorithm }) };
}

function build(group: Group, options: ScheduleOptions): Kernel {
  const { program, target } = options;
  const shared = shareGroup(group);
  const transform = asTransform(shared, program.layouts);
  if (transform) return scheduleTransform(transform, program, target);
  const contraction = asContraction(shared, program.layouts);
  if (!contraction) return scheduleMap(shared, program, target);
  const schedule = chosenSchedule(contraction, options, group.textureBytes);
  const problems = scheduleProblems(contraction, schedule, target);
  if (problems.length > 0) throw new Error(`kernel ${group.name} cannot be scheduled so: ${problems.join("; ")}`);
  const schedulers = { broadcast: scheduleBroadcast, workgroup: scheduleWorkgroup, direct: scheduleDirect };
  return schedulers[schedule.transport](contraction, schedule, program, target);
}

/** The kernels of a program's groups, in their order. */
export function scheduleProgram(options: ScheduleOptions): KernelProgram {
  const { groups, stage: _, ...around } = options.program;
  const kernels = groups.map((g) => scheduleGroup(g, options));
  return { ...around, stage: "kernels", target: options.target.name, kernels };
}

/** What a group's kernel would read from textures, were they to take at most so many bytes: as `scheduleGroup` has it. */
export function textureChoice(group: Group, options: ScheduleOptions): (textureBytes: number) => readonly Value[] {
  const { memo, program } = options;
  let contraction: Contraction | undefined | null = null;
  const made = (textureBytes: number) => {
    if (contraction === null) contraction = contractionOf(group, program);
    return contraction ? readFromTextures(contraction, chosenSchedule(contraction, options, textureBytes)) : [];
  };
  return (textureBytes) =>
    memo?.textures(group, program.layouts, textureBytes, () => made(textureBytes)) ?? made(textureBytes);
}
