import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import { type ContractionSchedule, isValidSchedule } from "../../compiler/schedule/tile.ts";
import type { Target } from "../../runtime/program/schema.ts";

/** Chooses textures for all operands that may be in one, with turns of `unroll` steps. */
export const inTextures =
  (target: Target, unroll: number): ScheduleChoice =>
  (c, standard) => {
    const ifValid = (wanted: ContractionSchedule, other: ContractionSchedule) =>
      isValidSchedule(c, wanted, target) ? wanted : other;
    const plain = { ...standard, unroll };
    const first = ifValid({ ...plain, storageA: "texture" }, plain);
    return ifValid({ ...first, storageB: "texture" }, first);
  };
