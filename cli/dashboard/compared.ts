/** Runs to be drawn, from their logs. */
import { resolve } from "node:path";
import type { Run } from "../../pages/training/state.ts";
import { say } from "../output.ts";
import { readLog, runNames, someOf } from "../training/readLog.ts";

/** Reads logs, each once, and says which of their lines were passed over. Throws KilnError of kind "file". */
export function readRuns(logs: readonly string[]): { runs: Run[]; notes: string[] } {
  const paths = [...new Map(logs.map((path) => [resolve(path), path])).values()];
  const names = runNames(paths);
  const notes: string[] = [];
  const runs = paths.map((path, i): Run => {
    const { curves, epochs, problems } = readLog(path);
    for (const problem of someOf(problems)) say(`Passed over: ${problem}`);
    if (problems.length > 0)
      notes.push(`${path}: ${problems.length} ${problems.length === 1 ? "line was" : "lines were"} passed over`);
    return { name: names[i], curves, epochs };
  });
  return { runs, notes };
}
