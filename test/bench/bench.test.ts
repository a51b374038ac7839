/** `npm run bench` from end to end, on small networks: every suite writes JSON, a table and charts that hold together. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, tinyModel } from "../cli/kiln.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** With a folder of MiniMalloc's instances, or with none, whatever the environment says. */
function bench(args: readonly string[], minimalloc = ""): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, KILN_MINIMALLOC: minimalloc };
  const child = spawn(process.execPath, [join(root, "tools", "bench.js"), ...args], { cwd: folder, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => {
      output += text;
    });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

const adapterSuites = ["peers", "kernels", "scale", "compile", "memory"];
const compilerSuites = ["plans", "limits", "minimalloc"];
/** Two buffers that fit the capacity beside each other, and a third in the place of the first. */
const instance = "id,lower,upper,size\na,0,2,8\nb,0,4,4\nc,2,4,8\n";

let results: string;
let compilerResults: string;
const fileOf = (suite: string, file: string) =>
  readFileSync(join(compilerSuites.includes(suite) ? compilerResults : results, file), "utf8");
const json = (suite: string) => JSON.parse(fileOf(suite, `${suite}.json`));

beforeAll(async () => {
  writeFileSync(join(folder, "tiny.ts"), tinyModel);
  mkdirSync(join(folder, "instances"));
  writeFileSync(join(folder, "instances", "A.12.csv"), instance);
  const { code, output } = await bench(
    [
      ...["--out", "results", "--model", "tiny.ts", "--batch", "4", "--repeats", "2", "--steps", "20"],
      ...["--depths", "3,5", "--limits", "1,0.01"],
      ...["--peers", "pytorch"], // the others, where they are installed, take minutes to compile
    ],
    "instances",
  );
  expect(code, output).toBe(0);
  const names = readdirSync(join(folder, "results"));
  for (const name of names) expect(name).toMatch(/^\d{4}-\d\d-\d\d-[a-z0-9-]+$/);
  const [ofCompiler, ofAdapter] = [true, false].map((is) => names.filter((name) => name.endsWith("-compiler") === is));
  expect([ofCompiler, ofAdapter]).toEqual([[expect.anything()], [expect.anything()]]);
  compilerResults = join(folder, "results", ofCompiler[0]);
  results = join(folder, "results", ofAdapter[0]);
}, 600_000);

test.each([...adapterSuites, ...compilerSuites])(
  "%s: the table names the machine, and its charts are there",
  (suite) => {
    const { machine } = json(suite);
    expect(machine.cores).toBeGreaterThan(0);
    const markdown = fileOf(suite, `${suite}.md`);
    expect(markdown).toContain(machine.cpu);
    expect(markdown).toMatch(/^\| :?-+:? \|/m);
    const charts = [...markdown.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, file]) => file);
    const drawn = adapterSuites.includes(suite) && suite !== "peers";
    if (drawn) expect(charts.length).toBeGreaterThan(0); // a bar for Kiln alone says nothing
    for (const chart of charts) expect(fileOf(suite, chart)).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
  },
);

test("peers: whoever ran computed what Kiln did, and whoever did not says why", () => {
  const { comparisons } = json("peers");
  expect(comparisons.map((c: { task: string }) => c.task)).toEqual(["forward", "step"]);
  for (const { peers } of comparisons) {
    const [kiln, ...others] = peers;
    expect(kiln).toMatchObject({ name: "kiln", batch: 4, remark: null });
    expect(kiln.times).toHaveLength(2);
    expect(others).toHaveLength(1);
    for (const peer of others) {
      if (peer.remark !== null) expect(peer).toMatchObject({ remark: expect.stringMatching(/.../), ms: null });
      else {
        expect(peer.difference, peer.title).toBeLessThan(1e-3);
        expect(peer.timesKiln.min).toBeLessThanOrEqual(peer.timesKiln.max);
      }
    }
  }
});

test("kernels: shares of the step add up, and no kernel passes the ceiling by much", () => {
  const { kernels, shareOutsideContractions } = json("kernels");
  const share = (of: { contraction: boolean; shareOfTime: number }[]) => of.reduce((sum, k) => sum + k.shareOfTime, 0);
  const contractions = kernels.filter((k: { contraction: boolean }) => k.contraction);
  expect(contractions.length).toBeGreaterThan(2);
  expect(share(kernels)).toBeCloseTo(1, 6);
  expect(share(contractions) + shareOutsideContractions).toBeCloseTo(1, 6);
  for (const kernel of kernels) expect(kernel.shareOfCeiling).toBeLessThan(1.5);
});

test("scale: each batch up to the one asked for, each depth, and plans that grow with them", () => {
  const { batches, depths } = json("scale");
  const of = <T>(points: Record<string, T>[], name: string) => points.map((point) => point[name]);
  expect(of(batches[0].points, "batch")).toEqual([1, 2, 4]);
  expect(of(depths, "depth")).toEqual([3, 5]);
  expect(depths[1].planBytes).toBeGreaterThan(depths[0].planBytes);
  expect(batches[0].points[2].planBytes).toBeGreaterThan(batches[0].points[0].planBytes);
});

test("compile: more layers are more nodes, and the first step is accounted for", () => {
  const { main, deep, firstSteps, runtimeBundle } = json("compile");
  expect(main.wallSeconds.min).toBeGreaterThan(0);
  expect(main.cpuSeconds.min).toBeGreaterThan(0);
  expect(deep[1].nodes).toBeGreaterThan(deep[0].nodes);
  expect(deep[1].dispatches).toBeGreaterThan(deep[0].dispatches);
  for (const { start, device, compile, session, firstStep } of firstSteps)
    for (const span of [start, device, compile, session, firstStep]) expect(span).toBeGreaterThan(0);
  expect(runtimeBundle.gzipBytes).toBeGreaterThan(5000);
});

test("memory: samples to the last step", () => {
  const { samples } = json("memory");
  expect(samples.at(-1).step).toBe(20);
  for (const { residentBytes, heapBytes } of samples) expect(residentBytes).toBeGreaterThan(heapBytes);
});

test("plans: each target and variant, no plan under its bound, and every byte of the gap has a cause", () => {
  const { plans, refused } = json("plans");
  expect(refused).toEqual([]);
  const names = plans.map((p: Record<string, string>) => [p.target, p.mode, p.algorithm].join(" "));
  const variants = ["train auto", "train direct", "infer auto"];
  expect(names).toEqual(["portable", "wasm", "lavapipe"].flatMap((t) => variants.map((variant) => `${t} ${variant}`)));
  for (const plan of plans) {
    expect(plan.ratio).toBeGreaterThanOrEqual(1);
    expect(plan.gap.packingBytes).toBeGreaterThanOrEqual(0);
    expect(plan.gap.textureBytes).toBeGreaterThanOrEqual(0);
    expect(plan.gap.packingBytes + plan.gap.textureBytes).toBe(plan.planBytes - plan.lowerBoundBytes);
    expect(plan.unorderedBytes).toBeGreaterThan(0);
  }
});

test("limits: all of the plan is enough, a hundredth is not and the smallest limit is named", () => {
  const { models } = json("limits");
  expect(models).toHaveLength(1);
  const [{ planBytes, limits }] = models;
  expect(limits[0]).toMatchObject({ limitBytes: planBytes, found: { planBytes, operations: 1 }, smallestLimit: null });
  expect(limits[1]).toMatchObject({ limitBytes: Math.floor(planBytes / 100), found: null });
  expect(limits[1].smallestLimit).toBeGreaterThan(limits[1].limitBytes);
});

test("minimalloc: the instance is placed within its capacity", () => {
  const { instances } = json("minimalloc");
  expect(instances).toEqual([
    expect.objectContaining({ instance: "A", buffers: 3, capacity: 12, lowerBound: 12, placed: 12 }),
  ]);
});

test("minimalloc is skipped, with a sentence, where its instances are not given", async () => {
  const { code, output } = await bench(["--only", "minimalloc", "--out", "skipped"]);
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining("KILN_MINIMALLOC does not name") });
  expect(existsSync(join(folder, "skipped"))).toBe(false);
});

test.each([
  [["--only", "kernel"], "peers, kernels"],
  [["--peer-batch", "theano=3"], "jax-js"],
  [["--zoo", "alexnet,vgg"], "vgg11"],
  [["--targets", "pc"], "portable"],
  [["--limits", "0.5,2"], "at most 1"],
])("%s is refused with what there is", async (args, said) => {
  expect(await bench(args)).toMatchObject({ code: 2, output: expect.stringContaining(said) });
});
