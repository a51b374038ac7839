import { expect, test } from "vitest";
import { describeLosses } from "../../cli/commands/tutorial.ts";
import { formatSeconds } from "../../cli/output.ts";
import { linesUpTo } from "../../cli/training/log.ts";

const step = (n: number) => `{"event":"step","step":${n}}\n`;
const epoch = '{"event":"epoch","epoch":0}\n';

test.each([
  ["what came after the checkpoint comes again", step(1) + step(2) + step(3), 2, 0, step(1) + step(2)],
  ["a line cut off by a kill goes", `${step(1)}{"event":"st`, 5, 0, step(1)],
  ["an epoch that was evaluated stays", step(1) + step(2) + epoch, 2, 2, step(1) + step(2) + epoch],
  ["one whose evaluation was not saved comes again", step(1) + step(2) + epoch, 2, 0, step(1) + step(2)],
  ["an earlier epoch stays", step(1) + epoch + step(2) + step(3), 2, 1, step(1) + epoch + step(2)],
  ["from the beginning nothing stays", step(1) + epoch, 0, 0, ""],
  ["an empty log", "", 3, 0, ""],
])("%s", (_, text, at, evaluatedStep, expected) => {
  expect(linesUpTo(text, { step: at, evaluatedStep })).toBe(expected);
});

test("times for people", () => {
  expect([0.4, 59.6, 61, 3599, 3600, 7380].map(formatSeconds)).toEqual([
    ...["0 s", "1 min 0 s", "1 min 1 s", "59 min 59 s", "1 h 0 min", "2 h 3 min"],
  ]);
});

test("what the tutorial saw", () => {
  expect(describeLosses([2.4, 2.5, 2.3, 2.2, 2.1])).toBe(
    "The loss went down: it was 2.4000 at the first step, and 2.2000 on average over the last 3.",
  );
  const long = Array.from({ length: 100 }, (_, i) => 3 - i / 100);
  expect(describeLosses(long)).toBe(
    "The loss went down: it was 3.0000 at the first step, and 2.0200 on average over the last 3, 2.1050 on average over the last 20.",
  );
  expect(describeLosses([2.0, 2.5])).toMatch(/^The loss did not go down/);
});
