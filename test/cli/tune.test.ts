/** kiln tune, and that the other commands use what it found. */
import { existsSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseRecords } from "../../cli/tune/parseRecords.ts";
import type { TuningRecord } from "../../compiler/schedule/records.ts";
import { readArtifact } from "../../runtime/node/index.ts";
import { f32 } from "../../runtime/program/safetensors.ts";
import { type Finished, Folder, numbers } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const records = (file = "tuning.json"): TuningRecord[] => parseRecords(folder.read(file), file);
const write = (all: readonly TuningRecord[], file = "tuning.json") =>
  writeFileSync(folder.file(file), JSON.stringify({ format: 1, records: all }));
const lineWith = ({ stderr }: Finished, text: string): string | undefined =>
  stderr.split("\n").find((line) => line.includes(text));

let tuned: Finished;
let found: TuningRecord[];
beforeAll(async () => {
  tuned = await kiln("tune", "tiny.ts", "--batch", "8", "--candidates", "2", "--json");
  found = records();
}, 120_000);
beforeEach(() => write(found));

describe("kiln tune", () => {
  test("measures every contraction, and shows a table", () => {
    expect(tuned.code, tuned.stderr).toBe(0);
    expect(tuned.stderr).toMatch(/^Contractions: \d+\. Records: .*tuning\.json$/m);
    expect(tuned.stderr).toMatch(/^Ceiling: [\d.]+ GFLOP\/s$/m);
    expect(tuned.stderr).toMatch(
      /^kernel +rows x columns x terms +uses +before ms +after ms +% of ceiling +measured +schedule$/m,
    );
    expect(tuned.stderr).toMatch(/^conv2d_conv2d_1 +800 x 4 x 75 +1 +[\d.]+ +[\d.]+ +[\d.]+ +2 +\S/m);
    expect(tuned.stderr).toMatch(/^Contractions of a step: [\d.]+ ms before, [\d.]+ ms after$/m);
  });

  test("as JSON", () => {
    const json = JSON.parse(tuned.stdout);
    expect(json).toMatchObject({ model: "tiny", batch: 8, cache: folder.file("tuning.json") });
    expect(json.driver).not.toBe("");
    expect(json.kernels.length).toBe(found.length);
    for (const kernel of json.kernels) {
      expect(kernel).toMatchObject({ measured: 2, rejected: 0 });
      expect(kernel.afterMs).toBeLessThanOrEqual(kernel.beforeMs);
    }
  });

  test("keeps every measurement under contraction, adapter and driver", () => {
    const [{ adapter, driver }] = found;
    for (const record of found) {
      expect(record).toMatchObject({ adapter, driver, contraction: expect.stringMatching(/^[0-9a-f]{32}$/) });
      expect(new Set(record.measurements.map(({ schedule }) => JSON.stringify(schedule))).size).toBe(2);
    }
  });

  test("what was measured is not measured again", async () => {
    const again = await kiln("tune", "tiny.ts", "--batch", "8", "--candidates", "2");
    expect([again.code, again.stdout]).toEqual([0, ""]);
    expect(records()).toEqual(found);
  });

  test("Ctrl-C keeps what was measured", async () => {
    const args = ["tune", "tiny.ts", "--batch", "16", "--candidates", "1000", "--cache", "stopped.json"];
    const { child, finished } = folder.start(args);
    let over = false;
    finished.finally(() => {
      over = true;
    });
    while (!over && !existsSync(folder.file("stopped.json"))) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGINT");
    const { code, stderr } = await finished;
    expect([code, stderr]).toEqual([130, expect.stringContaining("Stopping after the measurement under way")]);
    expect(stderr).toMatch(/not measured.*Stopped; what was measured is kept\.\n$/s);
    expect(records("stopped.json").flatMap(({ measurements }) => measurements).length).toBeGreaterThan(0);
  });

  test("no time, nothing measured, nothing written", async () => {
    const { code, stderr } = await kiln("tune", "tiny.ts", "--budget", "0", "--cache", "none.json");
    expect([code, stderr]).toEqual([0, expect.stringContaining("not measured")]);
    expect(existsSync(folder.file("none.json"))).toBe(false);
  });

  test("a model without contractions", async () => {
    folder.write(
      "pool.ts",
      `import { image, maxPool2d, model } from "kiln";
export default model({ input: image(3, 8, 8) }, (x) => maxPool2d(x, { kernel: 2 }));
`,
    );
    const { code, stderr } = await kiln("tune", "pool.ts");
    expect([code, stderr]).toEqual([0, expect.stringContaining("pool has no contraction: there is nothing to tune")]);
  });

  test.each([
    [["--target", "portable"], /measured on the adapter in hand/],
    [["--no-cache"], /--cache FILE says where/],
    [["--budget", "-1"], /at least 0/],
  ])("wrong usage: %j", async (args, message) => {
    const { code, stderr } = await kiln("tune", "tiny.ts", ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe("the other commands", () => {
  /** The records as if the first measured of each contraction had been twice as fast as the default. */
  const faster = (): TuningRecord[] =>
    found.map((record) => {
      const [first] = record.measurements;
      return { ...record, measurements: [{ ...first, ms: first.defaultMs / 2, repeats: 100 }] };
    });

  const compiled = async (...args: string[]) => {
    const finished = await kiln("compile", "tiny.ts", "--batch", "8", "--target", "adapter", "-o", "built", ...args);
    expect(finished.code, finished.stderr).toBe(0);
    const { program } = await readArtifact(folder.file("built"));
    return { finished, schedules: new Map(program.kernels.map(({ name, schedule }) => [name, schedule])) };
  };

  test("kiln compile takes the best measured, and the artifact records it", async () => {
    write(faster());
    const { finished, schedules } = await compiled();
    expect(lineWith(finished, "Schedules:")).toMatch(
      new RegExp(`^Schedules: ${found.length} as tuned, 0 measured to be best as they are \\(.*tuning\\.json\\)$`),
    );
    for (const { kernel, measurements } of faster()) {
      const { rowAxes, innerAxis, ...others } = measurements[0].schedule;
      expect(schedules.get(kernel)).toMatchObject(others);
    }
    const { finished: plain, schedules: standard } = await compiled("--no-cache");
    expect(plain.stderr).not.toMatch(/tun/);
    expect([...standard.values()]).not.toEqual([...schedules.values()]);
  });

  test("a described target is the same whatever was measured", async () => {
    write(faster());
    const args = ["compile", "tiny.ts", "--target", "lavapipe", "-o"];
    expect((await kiln(...args, "one")).stderr).not.toMatch(/tun/);
    expect((await kiln(...args, "two", "--no-cache")).code).toBe(0);
    const [one, two] = await Promise.all(["one", "two"].map((name) => readArtifact(folder.file(name))));
    expect(one).toEqual(two);
  });

  test("kiln run computes the same bits from the model and from its artifact", async () => {
    write(faster());
    await compiled();
    folder.writeTensors("in.safetensors", { input: f32([8, 3, 32, 32], numbers(8 * 3 * 32 * 32)) });
    folder.writeTensors("w.safetensors", {
      "conv2d_1.weight": f32([4, 3, 5, 5], numbers(300)),
      "conv2d_1.bias": f32([4], numbers(4)),
      "dense_1.weight": f32([10, 100], numbers(1000)),
      "dense_1.bias": f32([10], numbers(10)),
    });
    const run = async (model: string, out: string, ...more: string[]) => {
      const args = ["--inputs", "in.safetensors", "--weights", "w.safetensors", "--out", out, "--mode", "train"];
      const finished = await kiln("run", model, ...args, ...more);
      expect(finished.code, finished.stderr).toBe(0);
      return { finished, output: folder.tensors(out).get("output")!.data as Float32Array };
    };
    const fromModel = await run("tiny.ts", "a.safetensors");
    expect(lineWith(fromModel.finished, "Schedules:")).toMatch(/as tuned/);
    const fromArtifact = await run("built", "b.safetensors");
    expect(fromArtifact.output).toEqual(fromModel.output);
    const byDefault = await run("tiny.ts", "c.safetensors", "--no-cache");
    byDefault.output.forEach((value, i) => {
      expect(fromModel.output[i]).toBeCloseTo(value, 3);
    });
  });

  test("records of another driver are ignored, with one line", async () => {
    write(faster().map((record) => ({ ...record, driver: "an older one" })));
    const { finished, schedules } = await compiled();
    expect(finished.stderr.split("\n").filter((line) => /tun/.test(line))).toEqual([
      `Tuning records of ${found.length} contractions are out of date (another driver, or other candidates) and are ` +
        "ignored: kiln tune measures anew",
    ]);
    expect(schedules).toEqual((await compiled("--no-cache")).schedules);
  });

  test("a damaged file is an error that says what to do, and stays as it is", async () => {
    folder.write("tuning.json", '{"format":1,"records":[');
    for (const args of [
      ["tune", "tiny.ts"],
      ["compile", "tiny.ts", "--target", "adapter", "-o", "damaged"],
    ]) {
      const { code, stderr } = await kiln(...args);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/tuning\.json: the tuning records are damaged: .*\nNothing was changed\. .*--no-cache/),
      ]);
    }
    expect(folder.read("tuning.json")).toBe('{"format":1,"records":[');
  });
});
