import { Command } from "commander";
import { openDevice } from "../../runtime/node/device.ts";
import { type Difference, differencesBetween, type Summary, sections, summaryOf } from "../diff/summary.ts";
import { Ended } from "../errors.ts";
import { mainEntriesOf, mainEntryName } from "../mainEntry.ts";
import { openModel } from "../model.ts";
import { addAdapterOption, addModelOptions, type DeviceOptions, jsonOption, type ModelOptions } from "../options.ts";
import { emit, emitJson, say } from "../output.ts";
import { formatTable } from "../table.ts";
import { tunedTarget } from "../tune/tuned.ts";

interface DiffOptions extends ModelOptions, DeviceOptions {
  readonly json?: boolean;
}

export const diffCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("diff")
        .description(
          "What differs between two programs: tensors, kernels with their ops and schedules, plan and operations, of the " +
            "training step, or in infer mode of the forward pass. Ends with 1 where they differ.",
        )
        .argument("<a>", "a model file, text IR or an artifact's folder")
        .argument("<b>", "another"),
      "portable",
    ),
  )
    .addOption(jsonOption("print the differences as JSON to stdout: [{section, name, a, b}]"))
    .action(async (a: string, b: string, options: DiffOptions) => {
      const differences = differencesBetween(await summarised(a, options), await summarised(b, options));
      if (options.json) emitJson(differences);
      else if (differences.length > 0) emit(describe(a, b, differences));
      if (differences.length === 0) return say(`${a} and ${b} compile to the same.`);
      throw new Ended(1);
    });

async function summarised(path: string, options: DiffOptions): Promise<Summary> {
  const model = await openModel(path, options);
  const usual = model.scheduledFor ?? "portable";
  const { target, choose } = await tunedTarget(options, usual, () => openDevice(options));
  const { artifact } = await model.compile({ target, choose, entries: mainEntriesOf(model) });
  return summaryOf(artifact, mainEntryName(artifact.program));
}

/** A table a section, of what is not the same. */
function describe(a: string, b: string, differences: readonly Difference[]): string {
  return sections
    .map((section) => ({ section, rows: differences.filter((d) => d.section === section) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ section, rows }) => {
      const head = [section, a, b, "change"];
      return formatTable(
        head,
        rows.map((d) => [d.name, d.a ?? "-", d.b ?? "-", changeOf(d)]),
        head.slice(0, 3),
      );
    })
    .join("\n\n");
}

/** `+12.5%` between numbers, else what became of it. */
function changeOf({ a, b }: Difference): string {
  if (a === undefined) return "new";
  if (b === undefined) return "gone";
  const [from, to] = [Number(a), Number(b)];
  if (Number.isNaN(from) || Number.isNaN(to)) return "";
  const percent = (100 * (to - from)) / from;
  return from === 0 ? "" : `${percent < 0 ? "" : "+"}${percent.toFixed(1)}%`;
}
