import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import { type ContractionSchedule, isValidSchedule } from "../../compiler/schedule/tile.ts";
import type { Target } from "../../runtime/program/schema.ts";

/** Chooses textures for all operands that may be in one, with turns of `unroll` steps. */
export const inTextures =
  (target: Target, unroll: number): ScheduleChoice =>
  (c, standard) =>
    (["storageA", "storageB"] as const).reduce<ContractionSchedule>(
      (schedule, storage) => {
        const texture: ContractionSchedule = { ...schedule, [storage]: "texture" };
        return isValidSchedule(c, texture, target) ? texture : schedule;
      },
      { ...standard, unroll },
    );
