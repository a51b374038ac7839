/** kiln train: what it says and writes, and how it goes on after whatever stopped it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { f32, type StoredTensor } from "../../runtime/program/safetensors.ts";
import { type Finished, Folder } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const settings = ["--data", "synthetic", "--batch", "16", "--lr", "0.02", "--momentum", "0.9", "--eval-limit", "32"];
const long = [...settings, "--steps", "60", "--checkpoint-every", "7"];

const events = (log: string) =>
  folder
    .read(log)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const steps = (log: string): number[] => events(log).flatMap((e) => (e.event === "step" ? [e.step] : []));
const losses = (log: string): number[] => events(log).flatMap((e) => (e.event === "step" ? [e.loss] : []));
const last = (name: string): Buffer => readFileSync(folder.file(`${name}/step-000000060.safetensors`));

/** Waits until the log has so many lines, then sends the signal. */
async function interrupt(args: string[], log: string, lines: number, signal: NodeJS.Signals): Promise<Finished> {
  const { child, finished } = folder.start([...args, "--log", log]);
  let over = false;
  finished.finally(() => {
    over = true;
  });
  while (!over && !(existsSync(folder.file(log)) && folder.read(log).split("\n").length > lines))
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill(signal);
  return finished;
}

let whole: Finished;
beforeAll(async () => {
  whole = await kiln("train", "tiny.ts", ...long, "--checkpoint", "whole", "--log", "whole.jsonl");
}, 120_000);

describe("a run", () => {
  test("says what it runs on, on what pictures, and how it went", () => {
    expect([whole.code, whole.stdout], whole.stderr).toEqual([0, ""]);
    const lines = whole.stderr.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^Running on /);
    expect(lines[1]).toBe(
      "Pictures: synthetic, 50000 training and 10000 test pictures of 32x32, 10 classes, drawn from seed 1",
    );
    expect(lines[2]).toMatch(/^Compiled tiny for a batch of 16 and \S+ in [\d.]+ s: \d+ kernels$/);
    expect(lines.at(-1)).toMatch(/^Epoch 0\. Loss: \d\.\d{4}, Train_acc 0\.\d{4}, Test_acc 0\.\d{4}$/);
  });

  test("logs each step and the epoch, with the tutorial's moving loss", () => {
    const log = events("whole.jsonl").filter((e) => e.event !== "start");
    expect(steps("whole.jsonl")).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    let moving: number | null = null;
    for (const event of log.slice(0, 60)) {
      expect(Object.keys(event)).toEqual(["event", "epoch", "step", "loss", "movingLoss", "imagesPerSecond"]);
      moving = moving === null ? event.loss : 0.99 * moving + 0.01 * event.loss;
      expect(event.movingLoss).toBeCloseTo(moving!, 10);
    }
    expect(Object.keys(log[60])).toEqual(["event", "epoch", "movingLoss", "trainAccuracy", "testAccuracy"]);
    expect(log).toHaveLength(61);
    const all = losses("whole.jsonl");
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(all.slice(-10))).toBeLessThan(mean(all.slice(0, 10)));
  });

  test("keeps the newest two checkpoints, and the artifact", () => {
    expect(readdirSync(folder.file("whole")).sort()).toEqual([
      "artifact",
      "run.json",
      "step-000000056.safetensors",
      "step-000000060.safetensors",
    ]);
    const names = [...folder.tensors("whole/step-000000060.safetensors").keys()].sort();
    expect(names).toContain("dense_1.weight");
    expect(names).toContain("dense_1.weight.velocity");
  });

  test("is the same in every run, and another with another seed", async () => {
    await kiln("train", "tiny.ts", ...settings, "--steps", "5", "--log", "again.jsonl");
    expect(losses("again.jsonl")).toEqual(losses("whole.jsonl").slice(0, 5));
    await kiln("train", "tiny.ts", ...settings, "--steps", "5", "--seed", "2", "--log", "seed.jsonl");
    expect(losses("seed.jsonl")).not.toEqual(losses("again.jsonl"));
  });

  test("over epochs: a line each, and --steps over as many as it takes", async () => {
    const { default: sharp } = await import("sharp");
    for (const part of ["train", "test"])
      for (let i = 0; i < 40; i++) {
        const background = { r: (i * 40) % 256, g: 255 - ((i * 25) % 256), b: (i * 97) % 256 };
        const png = await sharp({ create: { width: 8, height: 8, channels: 3, background } })
          .png()
          .toBuffer();
        folder.write(`pictures/${part}/class${i % 10}/${i}.png`, png);
      }
    const args = ["train", "tiny.ts", "--data", "pictures", "--batch", "16"];
    const two = await kiln(...args, "--epochs", "2", "--log", "two.jsonl");
    expect(two.stderr.match(/^Epoch \d/gm)).toEqual(["Epoch 0", "Epoch 1"]);
    expect(events("two.jsonl").map((e) => `${e.event} ${e.epoch ?? ""}`)).toEqual([
      ...["step 0", "start ", "step 0", "epoch 0", "step 1", "step 1", "epoch 1"], // 40 pictures: two batches, eight left out
    ]);
    const five = await kiln(...args, "--steps", "5", "--log", "five.jsonl");
    expect(five.stderr.match(/^Epoch \d/gm)).toEqual(["Epoch 0", "Epoch 1", "Epoch 2"]);
    expect(losses("five.jsonl").slice(0, 4)).toEqual(losses("two.jsonl"));
    const both = await kiln(...args, "--steps", "5", "--epochs", "1", "--log", "both.jsonl");
    expect(both.stderr.match(/^Epoch \d/gm)).toEqual(["Epoch 0"]);
    expect(steps("both.jsonl")).toEqual([1, 2]);
  });
});

test("the log says when the first step was done, and whose time it was", () => {
  const [start, ...others] = events("whole.jsonl").filter((e) => e.event === "start");
  expect(others).toEqual([]);
  const { event: _, firstStepSeconds, compileSeconds, driverSeconds, ...more } = start;
  expect(more).toEqual({});
  expect(compileSeconds).toBeGreaterThan(0);
  expect(driverSeconds).toBeGreaterThan(0);
  expect(firstStepSeconds).toBeGreaterThan(compileSeconds + driverSeconds);
});

describe("going on", () => {
  test.each([1, 2, 3])("kill -9, then --resume: the bits of the unbroken run (%i)", async (round) => {
    const name = `killed${round}`;
    const args = ["train", "tiny.ts", ...long, "--checkpoint", name];
    const killed = await interrupt(args, `${name}.jsonl`, 8 + 13 * round, "SIGKILL");
    expect(killed.signal).toBe("SIGKILL");
    const resumed = await kiln(...args, "--resume", "--log", `${name}.jsonl`);
    expect(resumed.code, resumed.stderr).toBe(0);
    const [, from] = /Resuming after step (\d+), from /.exec(resumed.stderr)!;
    expect(Number(from)).toBeGreaterThanOrEqual(7);
    expect(last(name).equals(last("whole"))).toBe(true);
    expect(steps(`${name}.jsonl`)).toEqual(steps("whole.jsonl"));
    expect(losses(`${name}.jsonl`)).toEqual(losses("whole.jsonl"));
    expect(events(`${name}.jsonl`).at(-1)).toEqual(events("whole.jsonl").at(-1));
  });

  test("Ctrl-C keeps what was done and says how to go on, which needs no options", async () => {
    const args = ["train", "tiny.ts", ...long, "--checkpoint", "stopped"];
    const stopped = await interrupt(args, "stopped.jsonl", 10, "SIGINT");
    expect(stopped.code).toBe(130);
    const [, step] = /Stopped at step (\d+)\./.exec(stopped.stderr)!;
    expect(stopped.stderr).toContain("To go on from it: kiln train tiny.ts --checkpoint stopped --resume\n");
    expect(existsSync(folder.file(`stopped/step-${step.padStart(9, "0")}.safetensors`))).toBe(true);
    expect(steps("stopped.jsonl")).toHaveLength(Number(step));
    const resumed = await kiln("train", "tiny.ts", "--checkpoint", "stopped", "--resume", "--log", "stopped.jsonl");
    expect(resumed.stderr).toContain(`Resuming after step ${step}, from `);
    expect(last("stopped").equals(last("whole"))).toBe(true);
    expect(losses("stopped.jsonl")).toEqual(losses("whole.jsonl"));
  });

  test("an absent folder is begun in, and said so", async () => {
    const { code, stderr } = await kiln(
      ...["train", "tiny.ts", ...settings, "--steps", "2", "--checkpoint", "fresh", "--resume"],
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining("Nothing to resume in fresh: starting fresh.")]);
    expect(readdirSync(folder.file("fresh"))).toContain("step-000000002.safetensors");
  });

  test("a finished run says so", async () => {
    const before = readdirSync(folder.file("whole"));
    const { code, stderr } = await kiln("train", "tiny.ts", "--checkpoint", "whole", "--resume");
    expect([code, stderr]).toEqual([0, expect.stringContaining("This run is finished: 60 steps are done")]);
    expect(readdirSync(folder.file("whole"))).toEqual(before);
  });

  test("a memory limit holds, also for those who resume", async () => {
    const args = ["train", "tiny.ts", ...settings, "--checkpoint", "limited", "--log", "limited.jsonl"];
    const { stderr } = await kiln(...args, "--memory-limit", "1");
    const [, smallest] = /set --memory-limit (\d+) or more/.exec(stderr)!;
    const begun = await kiln(...args, "--steps", "5", "--memory-limit", smallest);
    const resumed = await kiln(
      "train",
      "tiny.ts",
      ...["--checkpoint", "limited", "--resume", "--steps", "60", "--log", "limited.jsonl"],
    );
    expect([begun.code, begun.stderr]).toEqual([0, expect.stringMatching(/^Memory limit /m)]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(JSON.parse(folder.read("limited/artifact/program.json")).model.memoryLimit).toBe(Number(smallest));
    expect(losses("limited.jsonl")).toEqual(losses("whole.jsonl"));
  });

  test("another model, or a folder in use, is an error", async () => {
    const before = last("whole");
    folder.write("other.ts", folder.read("tiny.ts"));
    for (const [args, message] of [
      [["tiny.ts", "--resume", "--set", "channels=5"], "holds a run of another model: of tiny (batch 16)"],
      [["tiny.ts", "--resume", "--batch", "8"], "holds a run of another model"],
      [["other.ts", "--resume"], "holds a run of another model"],
      [["tiny.ts"], "whole holds a run already, at step 60: go on with it, --resume, or name another folder"],
    ] as const) {
      const { code, stderr } = await kiln("train", ...args, "--checkpoint", "whole", "--data", "synthetic");
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    }
    expect(last("whole").equals(before)).toBe(true);
  });

  test("other numbers from here on are said", async () => {
    const { code, stderr } = await kiln(
      ...["train", "tiny.ts", "--checkpoint", "fresh", "--resume", "--steps", "4", "--lr", "0.01"],
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining("Note: lr was 0.02 so far, and is 0.01 from here on.")]);
  });
});

describe("what stops a run", () => {
  test("a loss that is not finite, with its step; the last good checkpoint stays", async () => {
    const { code, stderr } = await kiln(
      ...["train", "tiny.ts", "--data", "synthetic", "--batch", "16", "--steps", "40", "--checkpoint", "diverged"],
      ...["--checkpoint-every", "1", "--lr", "1e18"],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error: the loss is (NaN|-?Infinity) at step \d+|holds values that are not finite after step/,
    );
    for (const name of readdirSync(folder.file("diverged")).filter((name) => name.startsWith("step-")))
      for (const { data } of folder.tensors(`diverged/${name}`).values())
        expect((data as Float32Array).every(Number.isFinite)).toBe(true);
  });

  test("a model that cannot be trained", async () => {
    folder.write(
      "plain.ts",
      'import { image, model, relu } from "kiln";\nexport default model({ input: image(3, 8, 8) }, (x) => relu(x));\n',
    );
    expect(await kiln("train", "plain.ts")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("plain has no classes; give `classes` in the model file"),
    });
    expect(await kiln("train", "tiny.ts", "--mode", "infer")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("tiny is in infer mode; training needs --mode train"),
    });
  });
});

describe("what was trained", () => {
  test("eval takes a checkpoint, a folder, a weights file", async () => {
    const tensors = folder.tensors("whole/step-000000060.safetensors");
    const weights = [...tensors].filter(([name]) => !name.endsWith(".velocity"));
    folder.writeTensors("weights.safetensors", Object.fromEntries(weights) as Record<string, StoredTensor>);
    const results: unknown[] = [];
    for (const from of ["whole", "whole/step-000000060.safetensors", "weights.safetensors"]) {
      const { code, stdout, stderr } = await kiln(
        ...["eval", "tiny.ts", "--weights", from, "--data", "synthetic", "--eval-limit", "32", "--json"],
      );
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/^Test_acc 0\.\d{4}, loss \d\.\d{4} on 32 test pictures$/m);
      results.push(JSON.parse(stdout));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    expect(results[0]).toMatchObject({ model: "tiny", data: "synthetic", pictures: 32 });
    // The same sample as in training, so the same accuracy.
    expect((results[0] as { accuracy: number }).accuracy).toBe(events("whole.jsonl").at(-1).testAccuracy);
  });

  test("predict names the classes that it was trained on", async () => {
    const { default: sharp } = await import("sharp");
    const picture = (width: number, height: number, file: string) =>
      sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 90 } } })
        .png()
        .toFile(folder.file(file));
    await Promise.all([picture(32, 32, "a.png"), picture(80, 50, "b.png"), picture(32, 32, "c.png")]);
    const args = ["predict", "tiny.ts", "a.png", "b.png", "c.png", "--weights", "whole", "--top", "3", "--json"];
    const { code, stdout, stderr } = await kiln(...args);
    expect(code, stderr).toBe(0);
    const results = JSON.parse(stdout) as {
      image: string;
      classes: { class: number; name: string; probability: number }[];
    }[];
    expect(results.map(({ image }) => image)).toEqual(["a.png", "b.png", "c.png"]);
    for (const { classes } of results) {
      expect(classes).toHaveLength(3);
      expect(classes[0].probability).toBeGreaterThanOrEqual(classes[1].probability);
    }
    expect(results[2].classes).toEqual(results[0].classes);
    const [first] = results[0].classes;
    expect(first.name).toMatch(/^[a-z]+$/);
    expect(stderr).toContain(`a.png: ${first.name} ${first.probability.toFixed(4)}, `);
    // One colour all over: its size does not matter.
    expect(results[1].classes[0].probability).toBeCloseTo(first.probability, 5);
  });

  test("predict without names, and with a picture that is none", async () => {
    folder.writeTensors("zero.safetensors", {
      "conv2d_1.weight": f32([4, 3, 5, 5], new Float32Array(300)),
      "conv2d_1.bias": f32([4], new Float32Array(4)),
      "dense_1.weight": f32([10, 100], new Float32Array(1000)),
      "dense_1.bias": f32([10], new Float32Array(10)),
    });
    const zero = await kiln("predict", "tiny.ts", "a.png", "--weights", "zero.safetensors", "--top", "1");
    expect(zero).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("a.png: class 0 0.1000\n") });
    const broken = await kiln("predict", "tiny.ts", "a.png", "tiny.ts", "--weights", "zero.safetensors");
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining("tiny.ts: is neither a JPEG nor a PNG") });
  });
});
