import { Command } from "commander";
import { wantsColor } from "../../compiler/diagnostics/format.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { KilnError } from "../../runtime/program/error.ts";
import { UsageError } from "../errors.ts";
import type { Checked, GoldenRequest, Updated } from "../golden/golden.ts";
import { entryNames, givenSettings, type SettingOptions, stages } from "../golden/settings.ts";
import {
  addAdapterOption,
  addModelOptions,
  amount,
  type DeviceOptions,
  integer,
  type ModelOptions,
} from "../options.ts";
import { say } from "../output.ts";

interface GoldenOptions extends Omit<SettingOptions, "set">, ModelOptions, DeviceOptions {
  readonly dir: string;
  readonly update?: boolean;
  readonly target?: string;
}

/** `a,b,c`, or none of them. */
const list = (text: string): readonly string[] => (text === "none" ? [] : text.split(","));

export function goldenCommand(): Command {
  const command = addAdapterOption(
    addModelOptions(
      new Command("golden")
        .description(
          "Checks what Kiln makes of a model against the files in DIR: its stages, kernels and plan for a described " +
            "target, and its numbers on the adapter in hand. With --update, writes them.",
        )
        .argument("<model>", "a model file (model.ts), or a graph as text IR (graph.kir, from kiln inspect)")
        .requiredOption("--dir <dir>", "the folder of goldens; it keeps the options that it was written with"),
      "portable",
    ),
  )
    .option("--update", "write the goldens; options that are not given stay as they were")
    .option("--stages <list>", `stages to keep, of ${stages.join(",")}, or none (all but work where not said)`, list)
    .option(
      "--kernels <which>",
      "kernels to keep as text: all (where not said), hash (none), or names a,b,c",
      (text) => (text === "all" || text === "hash" ? text : list(text)),
    )
    .option(
      "--entries <list>",
      `entry points whose kernels to keep beside the step's, of ${entryNames.join(",")}, or none (where not said)`,
      list,
    )
    .option("--momentum <f>", "above 0: with velocities, as kiln compile has it", amount)
    .option("--numbers", "keep outputs, loss and gradients (where not said)")
    .option("--no-numbers", "keep texts alone, which need no device")
    .option(
      "--seed <n>",
      "of the numbers' parameters and inputs (where not said, the first that suits)",
      integer(0, 0xffffffff),
    )
    .action(golden);
  // It is refused with a reason.
  command.options.find(({ long }) => long === "--memory-limit")!.hideHelp();
  return command;
}

async function golden(path: string, options: GoldenOptions): Promise<void> {
  if (options.memoryLimit !== undefined)
    throw new UsageError("goldens are of plans without a limit: leave --memory-limit out");
  const { checkGolden, updateGolden } = await import("../golden/golden.ts");
  const { dir, update, adapter, cache } = options;
  const request: GoldenRequest = {
    path,
    dir,
    given: givenSettings(options),
    open: () => openDevice({ adapter }),
    cache,
  };
  if (update) return tellUpdate(dir, await updateGolden(request));
  const remedy = `kiln golden ${path} --dir ${dir} --update`;
  const checked = await checkGolden(request);
  if (!checked)
    throw new KilnError("file", `${dir} holds no goldens (there is no golden.json); to write them: ${remedy}`);
  await tellCheck(request, checked, remedy);
}

async function tellCheck({ dir, path }: GoldenRequest, { differences, files, tensors }: Checked, remedy: string) {
  if (differences.length === 0) {
    say(`${dir}: ${files} files${tensors > 0 ? `, ${tensors} tensors,` : ""} are as they were`);
    return;
  }
  const { formatReport } = await import("../golden/report.ts");
  const color = wantsColor(process.stderr, process.env);
  const report = formatReport(path, dir, differences, { color, remedy: `If that is meant: ${remedy}` });
  throw new KilnError("artifact", report);
}

function tellUpdate(dir: string, { written, removed, kept, manifest }: Updated): void {
  const count = (n: number, what: string) => (n > 0 ? [`${n} ${n === 1 ? "file" : "files"} ${what}`] : []);
  const counts = [...count(written, "written"), ...count(removed.length, "removed"), ...count(kept, "as before")];
  say(`${dir}: ${counts.join(", ")}`);
  for (const file of removed) say(`  ${file} is no longer made`);
  const tensors = Object.values(manifest.tensors);
  const loose = tensors.flatMap(({ relative }) => relative ?? []);
  if (loose.length > 0)
    say(
      `  ${loose.length} of ${tensors.length} tensors are compared more loosely, to at most ${Math.max(...loose)} of their ` +
        `largest value: with seed ${manifest.settings.seed} gradients jump at a kink (docs/golden-tests.md)`,
    );
}
