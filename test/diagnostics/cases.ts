/** The model files with mistakes of this folder, and what the front end says about them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.ts";
import { readModel } from "../../compiler/frontend/index.ts";

const folder = fileURLToPath(new URL("./cases", import.meta.url));

export const caseNames = readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replace(/\.ts$/, ""));

export const caseText = (name: string): string => readFileSync(join(folder, `${name}.ts`), "utf8");

export interface CaseResult {
  readonly diagnostics: readonly Diagnostic[];
  /** `file:line code` for each mark `// error CODE` in the files that were read. */
  readonly expected: readonly string[];
  readonly found: readonly string[];
}

/** Reads a case; its first line may be `// set name=value`. */
export function readCase(name: string): CaseResult {
  const [, key, value] = /^\/\/ set (\w+)=(.*)/.exec(caseText(name)) ?? [];
  const read = (path: string) =>
    existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8") : undefined;
  const { diagnostics, files } = readModel(
    { path: `${name}.ts`, read },
    { batch: 64, settings: key === undefined ? {} : { [key]: value } },
  );
  const expected = [...files].flatMap(([file, text]) =>
    text.split("\n").flatMap((line, i) => {
      const [, codes] = /\/\/ error (.*)/.exec(line) ?? [];
      return codes === undefined ? [] : codes.split(", ").map((code) => `${file}:${i + 1} ${code}`);
    }),
  );
  const found = diagnostics.map((d) => `${d.place?.file}:${d.place?.line} ${d.code}`);
  return { diagnostics, expected: expected.sort(), found: found.sort() };
}
