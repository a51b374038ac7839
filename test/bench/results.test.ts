/** Which results the README names. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Machine } from "../../bench/report/machine.ts";
import { folderName, linkFromReadme } from "../../bench/report/results.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-results-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const machine: Omit<Machine, "date"> = {
  ...{ cpu: "CPU", cores: 2, memoryBytes: 2 ** 30, system: "linux", versions: { kiln: "1" } },
};
const onWasm = { ...machine, adapter: "WebAssembly", adapterClass: "wasm" };

/** A run's folder with the results of some suites. */
function put(of: Machine, ...suites: string[]): void {
  const path = join(folder, "results", folderName(of));
  mkdirSync(path, { recursive: true });
  for (const suite of suites) writeFileSync(join(path, `${suite}.json`), JSON.stringify({ suite, machine: of }));
}

test("each suite's newest on each adapter, and those of the compiler alone", async () => {
  put({ ...onWasm, date: "2026-01-01" }, "peers", "memory");
  put({ ...onWasm, date: "2026-02-01" }, "memory");
  put({ ...machine, date: "2026-01-15" }, "plans", "limits");
  put({ ...machine, date: "2026-01-10" }, "plans", "limits");
  const readme = join(folder, "README.md");
  const [begin, end] = ["<!-- results of npm run bench: begin -->", "<!-- results of npm run bench: end -->"];
  writeFileSync(readme, `before\n${begin}\nold\n${end}\nafter\n`);
  await linkFromReadme(readme, join(folder, "results"));
  const link = (date: string, suite: string) => `[${suite}](results/${date}/${suite}.md)`;
  const compiler = `${link("2026-01-15-compiler", "plans")}, ${link("2026-01-15-compiler", "limits")}`;
  expect(readFileSync(readme, "utf8").split("\n")).toEqual([
    ...["before", begin],
    `- WebAssembly, CPU (2 cores), kiln 1, 2026-02-01: ${link("2026-02-01-wasm", "memory")}`,
    `- the compiler alone, no adapter, CPU (2 cores), kiln 1, 2026-01-15: ${compiler}`,
    `- WebAssembly, CPU (2 cores), kiln 1, 2026-01-01: ${link("2026-01-01-wasm", "peers")}`,
    ...[end, "after", ""],
  ]);
});
