/** `kiln report`: runs from their logs, and filters from weights, as a page that needs no server. */
import { basename } from "node:path";
import { emptyState, type PageData } from "../../pages/training/state.ts";
import { readWeights } from "../../runtime/node/checkpoints.ts";
import { writeFileAtomically } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";
import { toFloat32 } from "../../runtime/program/safetensors.ts";
import { say } from "../output.ts";
import { htmlPage } from "../page.ts";
import { readRuns } from "./compared.ts";
import { type FilterPictures, filterPictures, filtersForPage, filtersPng, firstLayerFilters } from "./filters.ts";

export interface ReportRequest {
  readonly output: string;
  readonly weights?: string;
  /** File to write the filters to, as PNG. */
  readonly filters?: string;
}

/** Throws KilnError of kind "file" where a log or the weights cannot be read or hold nothing to show. */
export async function report(logs: readonly string[], { output, weights, filters }: ReportRequest): Promise<void> {
  const { runs, notes } = readRuns(logs);
  const title = runs.length === 1 ? runs[0].name : `${runs.length} runs`;
  const state = { ...emptyState(title), facts: [`from ${logs.join(", ")}`], runs, notes };
  if (weights !== undefined) {
    const pictures = await filtersOf(weights);
    state.filters = filtersForPage(pictures, `from ${basename(weights)}`);
    if (filters !== undefined) {
      await writeFileAtomically(filters, await filtersPng(pictures));
      say(`Filters written to ${filters}`);
    }
  }
  await writeFileAtomically(output, htmlPage("training", `${title} · Kiln`, { state } satisfies PageData));
  say(`Written to ${output}`);
}

/** Filters of the first convolution in a weights file, a checkpoint or a checkpoint folder. */
async function filtersOf(path: string): Promise<FilterPictures> {
  const weights = await readWeights(path);
  const parameters = [...weights].map(([name, tensor]) => ({ name, shape: tensor.shape, tensor }));
  const first = firstLayerFilters(parameters);
  if (!first)
    throw new KilnError(
      "file",
      `${path}: its first layer has no filters to show: the weights of a convolution of grey or colour pictures, ` +
        `[filters, 1 or 3, height, width], are expected; it holds ${parameters.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ") || "nothing"}`,
    );
  return filterPictures(first, toFloat32(first.tensor, `${path}: ${first.name}`));
}
