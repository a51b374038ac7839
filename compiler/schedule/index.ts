/** From fused groups to kernels. */

import type { Target } from "../../runtime/program/schema.ts";
import type { FusedProgram, Group } from "../ir/fused.ts";
import type { Kernel } from "../ir/kernel.ts";
import { shareGroup } from "../ir/share.ts";
import { scheduleBroadcast } from "./broadcast.ts";
import { asContraction, type Contraction } from "./contraction.ts";
import { scheduleMap } from "./map.ts";
import { type ContractionSchedule, defaultSchedule, scheduleProblems } from "./tile.ts";
import { asTransform, scheduleTransform } from "./transform.ts";
import { scheduleWorkgroup } from "./workgroup.ts";

/** Chooses a schedule for a contraction, where not the target's default: measurements, or a test's wish. */
export type ScheduleChoice = (c: Contraction, standard: ContractionSchedule) => ContractionSchedule;

/** A group as the scheduler sees it, where it is a contraction. */
export const contractionOf = (group: Group, { layouts }: FusedProgram): Contraction | undefined =>
  asContraction(shareGroup(group), layouts);

/** Throws an Error that says why where the chosen schedule cannot be built. */
export function scheduleGroup(group: Group, program: FusedProgram, target: Target, choose?: ScheduleChoice): Kernel {
  const kernel = build(group, program, target, choose);
  return group.algorithm === undefined ? kernel : { ...kernel, algorithm: group.algorithm };
}

function build(group: Group, program: FusedProgram, target: Target, choose?: ScheduleChoice): Kernel {
  const shared = shareGroup(group);
  const transform = asTransform(shared, program.layouts);
  if (transform) return scheduleTransform(transform, program, target);
  const contraction = asContraction(shared, program.layouts);
  if (!contraction) return scheduleMap(shared, program, target);
  const standard = defaultSchedule(contraction, target);
  const schedule = choose ? choose(contraction, standard) : standard;
  const problems = scheduleProblems(contraction, schedule, target);
  if (problems.length > 0) throw new Error(`kernel ${group.name} cannot be scheduled so: ${problems.join("; ")}`);
  return schedule.transport === "broadcast"
    ? scheduleBroadcast(contraction, schedule, program, target)
    : scheduleWorkgroup(contraction, schedule, program, target);
}

export const scheduleProgram = (program: FusedProgram, target: Target, choose?: ScheduleChoice): Kernel[] =>
  program.groups.map((g) => scheduleGroup(g, program, target, choose));
