import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { findPlacement } from "../../compiler/plan/findPlacement.ts";
import { lowerBound } from "../../compiler/plan/liveness.ts";
import { fileError, writeFileAtomically } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";
import { amount, byteCount } from "../options.ts";
import { emit, say } from "../output.ts";
import { parseBuffers } from "../plan/csv.ts";

interface PlanOptions {
  readonly csv: string;
  readonly capacity: number;
  readonly out?: string;
  readonly timeout: number;
}

export const planCommand = () =>
  new Command("plan")
    .description("Places buffers with known sizes and lifetimes in one range of memory (google/minimalloc's CSV form).")
    .requiredOption("--csv <file>", "the buffers: columns id, lower, upper, size, and where wanted alignment")
    .requiredOption("--capacity <bytes>", "what they must fit in, as 128MiB or in bytes", byteCount)
    .option("--out <file>", "where the table with offsets goes (stdout where not said)")
    .option("--timeout <seconds>", "how long to search", amount, 60)
    .action(async ({ csv, capacity, out, timeout }: PlanOptions) => {
      const text = await readFile(csv, "utf8").catch((cause) => {
        throw fileError(csv, "cannot be read", cause);
      });
      const table = parseBuffers(text, csv);
      const started = performance.now();
      const deadline = started + 1000 * timeout;
      const bound = lowerBound(table.blocks);
      const { kind, offsets } = findPlacement(table.blocks, capacity, {
        work: Number.POSITIVE_INFINITY,
        goOn: () => performance.now() < deadline,
      });
      if (kind === "impossible") {
        const why = bound > capacity ? `${bound} bytes are live at once` : "the search has ruled out every placement";
        throw new KilnError("data", `${csv}: the buffers cannot fit in ${capacity} bytes: ${why}.`);
      }
      if (kind === "gaveUp") {
        throw new KilnError(
          "data",
          `${csv}: no placement within ${capacity} bytes was found in ${timeout} s, and none is ruled out ` +
            `(at most ${bound} bytes are live at once). Give it longer with --timeout, or more bytes.`,
        );
      }
      const used = offsets.reduce((most, offset, b) => Math.max(most, offset + table.blocks[b].size), 0);
      const seconds = ((performance.now() - started) / 1000).toFixed(2);
      say(
        `${offsets.length} ${offsets.length === 1 ? "buffer takes" : "buffers take"} ${used} bytes of ${capacity}; ${bound} are live at once. Found in ${seconds} s.`,
      );
      const solved = table.withOffsets(offsets);
      if (out === undefined) emit(solved);
      else {
        await writeFileAtomically(out, solved);
        say(`Written to ${out}`);
      }
    });
