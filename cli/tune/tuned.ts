/** What a command compiles for: the target, and the schedules measured on it. */
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import type { Target } from "../../runtime/program/schema.ts";
import type { ModelOptions } from "../options.ts";
import { say } from "../output.ts";
import { resolveTarget } from "../targets.ts";
import { adapterKey } from "./adapterKey.ts";
import { readRecords, tuningPath } from "./cache.ts";

export interface TunedTarget {
  readonly target: Target;
  readonly choose?: ScheduleChoice;
  /** Says, after compiling, how tuning records were used; nothing where none are about these contractions. */
  report(): void;
}

/**
 * The target that `--target` names, `usual` where it is silent. Tuning records count for the adapter in hand alone: a
 * described target is the same on every machine.
 * @throws KilnError of kind "file" where the records are damaged
 */
export async function tunedTarget(
  options: ModelOptions,
  usual: string,
  open: () => Promise<OpenedDevice>,
): Promise<TunedTarget> {
  const name = options.target ?? usual;
  if (name !== "adapter" || options.cache === false)
    return { target: await resolveTarget(name, async () => (await open()).target), report() {} };
  const path = tuningPath(options.cache);
  const records = readRecords(path);
  const { adapter, target } = await open();
  if (records.length === 0) return { target, report() {} };
  const { choiceFrom } = await import("../../compiler/schedule/records.ts");
  const { choose, use } = choiceFrom(records, adapterKey(adapter), target);
  return {
    target,
    choose,
    report() {
      const { tuned, kept, stale } = use;
      if (tuned.size + kept.size > 0)
        say(`Schedules: ${tuned.size} as tuned, ${kept.size} measured to be best as they are (${path})`);
      if (stale.size > 0)
        say(
          `Tuning records of ${stale.size} contractions are out of date (another driver, or other candidates) and are ` +
            "ignored: kiln tune measures anew",
        );
    },
  };
}
