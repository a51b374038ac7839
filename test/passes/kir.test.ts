/**
 * Passes on text: each file of kir/ says in its first line which passes run, then has a program, and behind `// -----` what
 * comes of it, or the word unchanged. `KILN_UPDATE_KIR=1 npx vitest run test/passes/kir.test.ts` writes what comes of them
 * anew: read the diff.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { MemoryLimit } from "../../compiler/passes/rematerialise.ts";
import { namedPasses, runPasses } from "../../compiler/passList.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { parse } from "../../compiler/text/parse.ts";
import { print } from "../../compiler/text/print.ts";

const folder = new URL("./kir/", import.meta.url);
const files = readdirSync(folder).sort();
const divider = "// -----\n";

interface Case {
  readonly passes: readonly string[];
  readonly target: string;
  readonly algorithm: "auto" | "direct" | "fast";
  readonly memoryLimit: MemoryLimit | undefined;
  readonly head: string;
  readonly input: string;
  readonly expected: string;
}

/** `// lower,fold-constants --target few-bindings --algorithm direct --memory-limit 2304`, the limit in bytes */
function read(file: string): Case {
  const [given, expected = ""] = readFileSync(new URL(file, folder), "utf8").split(divider);
  const [head] = given.split("\n", 1);
  const [, passes, options] = /^\/\/ (\S+)(.*)$/.exec(head)!;
  const option = (name: string) => new RegExp(`--${name} (\\S+)`).exec(options)?.[1];
  const limit = option("memory-limit");
  return {
    passes: passes.split(","),
    target: option("target") ?? "portable",
    algorithm: (option("algorithm") ?? "auto") as Case["algorithm"],
    memoryLimit: limit === undefined ? undefined : { bytes: Number(limit) },
    head: `${head}\n`,
    input: given.slice(head.length + 1),
    expected,
  };
}

test.each(files)("%s", (file) => {
  const { passes, target: name, algorithm, memoryLimit, head, input, expected } = read(file);
  const program = parse(input);
  const text = print(program);
  const context = { target: loadTarget(name), algorithm, memoryLimit };
  const made = print(runPasses(program, passes, context, { verify: true }));
  const result = made === text ? "unchanged\n" : made;
  if (process.env.KILN_UPDATE_KIR) writeFileSync(new URL(file, folder), `${head}${text}\n${divider}${result}`);
  else expect(result).toBe(expected);
});

test("every pass has a case in which it does something, and those that may leave a program alone one in which they do", () => {
  const cases = files.map(read);
  const of = (name: string) => cases.filter(({ passes }) => passes.includes(name));
  const always = ["autodiff", "optimizer", "lower", "layout", "fusion", "schedule", "plan"];
  for (const { name } of namedPasses) {
    expect(of(name).length, name).toBeGreaterThan(0);
    expect(
      of(name).some(({ expected }) => expected !== "unchanged\n"),
      name,
    ).toBe(true);
    if (!always.includes(name))
      expect(
        of(name).some(({ expected }) => expected === "unchanged\n"),
        name,
      ).toBe(true);
  }
});
