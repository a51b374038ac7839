/**
 * Every case is a model file with the expected codes marked on the lines they belong to; the whole rendered output is in
 * snapshots/. `npx vitest run test/diagnostics -u` writes snapshots and docs/diagnostics.md anew: read the diff.
 */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { diagnosticCodes } from "../../compiler/diagnostics/codes.ts";
import { formatDiagnostics } from "../../compiler/diagnostics/format.ts";
import { caseNames, readCase } from "./cases.ts";
import { diagnosticsPage, frontEndCodes } from "./page.ts";

describe("model files with mistakes", () => {
  it.each(caseNames)("%s: every mistake is reported once, at its line", async (name) => {
    const { diagnostics, expected, found } = readCase(name);
    expect(expected.length).toBeGreaterThan(0);
    expect(found).toEqual(expected);
    await expect(`${formatDiagnostics(diagnostics)}\n`).toMatchFileSnapshot(`snapshots/${name}.txt`);
  });

  it("there is a case for every code", () => {
    for (const code of frontEndCodes) expect(caseNames).toContain(code);
    expect(frontEndCodes.length).toBeGreaterThan(20);
  });
});

it("docs/diagnostics.md is current", async () => {
  const page = diagnosticsPage();
  for (const code of Object.keys(diagnosticCodes)) expect(page).toContain(`## ${code}: `);
  await expect(page).toMatchFileSnapshot(fileURLToPath(new URL("../../docs/diagnostics.md", import.meta.url)));
});
