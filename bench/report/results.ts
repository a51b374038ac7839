/** The folder of results: a run's files in `<date>-<adapter>/`, and each suite's newest of each adapter named in the README. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { writeFileAtomically } from "../../runtime/node/files.ts";
import { type SuiteName, type SuiteResult, suiteNames } from "../suite.ts";
import { chartToSvg } from "./chart.ts";
import type { Machine } from "./machine.ts";
import { chartFile, toMarkdown } from "./markdown.ts";

const nameOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** `2026-01-31-lavapipe`: software drivers by the name that Kiln gives them, others by their own; `compiler` without one. */
export function folderName({ date, adapter, adapterClass }: Machine): string {
  if (adapter === undefined || adapterClass === undefined) return `${date}-compiler`;
  const software = ["wasm", "lavapipe", "swiftshader"].includes(adapterClass);
  return `${date}-${software ? adapterClass : nameOf(adapter)}`;
}

/** Writes a suite's JSON, Markdown and charts. */
export async function writeResult(
  folder: string,
  suite: SuiteName,
  result: SuiteResult,
  machine: Machine,
): Promise<void> {
  for (const chart of result.charts)
    await writeFileAtomically(join(folder, chartFile(suite, chart.name)), chartToSvg(chart));
  await writeFileAtomically(join(folder, `${suite}.md`), toMarkdown(suite, result, machine));
  await writeFileAtomically(
    join(folder, `${suite}.json`),
    `${JSON.stringify({ suite, machine, ...result.data }, null, 2)}\n`,
  );
}

const begin = "<!-- results of npm run bench: begin -->";
const end = "<!-- results of npm run bench: end -->";

/** Names each suite's newest results of each adapter in the README, between its two marks. Throws where there are none. */
export async function linkFromReadme(readme: string, results: string): Promise<void> {
  const text = readFileSync(readme, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${readme} has no place for results: ${begin} and ${end} are expected`);
  const path = relative(join(readme, ".."), results).split(sep).join("/");
  const lines = newest(results).map(({ folder, machine, suites }) => {
    const links = suites.map((suite) => `[${suite}](${path}/${folder}/${suite}.md)`);
    const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
    return `- ${machine.adapter ?? "the compiler alone, no adapter"}, ${machine.cpu} (${machine.cores} cores), ${versions.join(", ")}, ${machine.date}: ${links.join(", ")}`;
  });
  await writeFileAtomically(readme, `${text.slice(0, from + begin.length)}\n${lines.join("\n")}\n${text.slice(to)}`);
}

/** The folders, newest first, each with the suites that no newer one of the same adapter has; its name begins with the date. */
function newest(results: string) {
  const seen = new Set<string>();
  return readdirSync(results)
    .sort()
    .reverse()
    .flatMap((folder) => {
      const read = (suite: SuiteName) => JSON.parse(readFileSync(join(results, folder, `${suite}.json`), "utf8"));
      const there = suiteNames.filter((suite) => existsSync(join(results, folder, `${suite}.json`)));
      if (there.length === 0) return [];
      const machine: Machine = read(there[0]).machine;
      const adapter = folder.slice(machine.date.length + 1);
      const suites = there.filter((suite) => !seen.has(`${adapter} ${suite}`));
      for (const suite of suites) seen.add(`${adapter} ${suite}`);
      return suites.length === 0 ? [] : [{ folder, machine, suites }];
    });
}
