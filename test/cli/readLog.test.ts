import { expect, test } from "vitest";
import { parseLog, runNames } from "../../cli/training/readLog.ts";

const step = (n: number, loss: unknown = 2) =>
  JSON.stringify({ event: "step", epoch: 0, step: n, loss, movingLoss: 2.5, imagesPerSecond: 10 });
const epoch = '{"event":"epoch","epoch":0,"movingLoss":2.1,"trainAccuracy":0.25,"testAccuracy":0.24}';
const start = '{"event":"start","firstStepSeconds":1,"compileSeconds":1,"driverSeconds":0}';

test("steps and epochs of a log; kinds of events that are not known are left aside", () => {
  const text = [step(1, 2.5), start, step(2, 1.25), epoch, '{"event":"weather"}', step(3), ""].join("\n");
  expect(parseLog(text, "a.jsonl")).toEqual({
    curves: { step: [1, 2, 3], loss: [2.5, 1.25, 2], movingLoss: [2.5, 2.5, 2.5], imagesPerSecond: [10, 10, 10] },
    epochs: [{ step: 2, epoch: 0, trainAccuracy: 0.25, testAccuracy: 0.24 }],
    problems: [],
  });
});

test.each([
  ["not JSON", "{", "not a JSON object"],
  ["no object", "[1]", "not a JSON object"],
  ["no event", '{"step":2}', 'it has no "event"'],
  ["a text for a number", step(2, "x"), '"loss" is "x"; a number is expected'],
  ["a loss that is none", step(2, null), '"loss" is null; a number is expected'],
  ["a step that was there", step(1), "step 1 comes after step 1: a log holds one run, each step once"],
  ["an epoch without accuracies", '{"event":"epoch","epoch":0}', '"trainAccuracy" is missing; a number is expected'],
])("a broken line is named and passed over: %s", (_, line, problem) => {
  const { curves, problems } = parseLog(`${step(1)}\n${line}\n${step(3)}\n`, "runs/a.jsonl");
  expect(problems).toEqual([`runs/a.jsonl:2: ${problem}`]);
  expect(curves.step).toEqual([1, 3]);
});

test("a last line without an end was cut off", () => {
  expect(parseLog(`${step(1)}\n{"event":"st`, "a").problems).toEqual(["a:2: the line is cut off"]);
});

test("runs have short names, all different", () => {
  expect(runNames(["runs/a.jsonl"])).toEqual(["a"]);
  expect(runNames(["runs/a.jsonl", "other/b.jsonl"])).toEqual(["a", "b"]);
  expect(runNames(["x/log.jsonl", "y/log.jsonl"])).toEqual(["x/log", "y/log"]);
});
