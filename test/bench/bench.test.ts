/** `npm run bench` from end to end, on small networks: every suite writes JSON, a table and charts that hold together. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, tinyModel } from "../cli/kiln.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(root, "tools", "bench.js"), ...args], { cwd: folder });
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

let results: string;
const json = (suite: string) => JSON.parse(readFileSync(join(results, `${suite}.json`), "utf8"));
const text = (file: string) => readFileSync(join(results, file), "utf8");

beforeAll(async () => {
  writeFileSync(join(folder, "tiny.ts"), tinyModel);
  const { code, output } = await bench(
    ...["--out", "results", "--model", "tiny.ts", "--batch", "4", "--repeats", "2", "--steps", "20", "--depths", "3,5"],
    ...["--peers", "pytorch"], // the others, where they are installed, take minutes to compile
  );
  expect(code, output).toBe(0);
  const [name] = readdirSync(join(folder, "results"));
  expect(name).toMatch(/^\d{4}-\d\d-\d\d-[a-z0-9-]+$/);
  results = join(folder, "results", name);
}, 600_000);

const suites = ["peers", "kernels", "scale", "compile", "memory"];

test.each(suites)("%s: the table names the machine, and its charts are there", (suite) => {
  const { machine } = json(suite);
  expect(machine.cores).toBeGreaterThan(0);
  const markdown = text(`${suite}.md`);
  expect(markdown).toContain(machine.cpu);
  expect(markdown).toMatch(/^\| :?-+:? \|/m);
  const charts = [...markdown.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, file]) => file);
  if (suite !== "peers") expect(charts.length).toBeGreaterThan(0); // a bar for Kiln alone says nothing
  for (const chart of charts) expect(text(chart)).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
});

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

test("memory: samples to the last step, plans no smaller than their bounds", () => {
  const { samples, plans } = json("memory");
  expect(samples.at(-1).step).toBe(20);
  for (const { residentBytes, heapBytes } of samples) expect(residentBytes).toBeGreaterThan(heapBytes);
  expect(plans.map((plan: { mode: string }) => plan.mode)).toEqual(["train", "infer"]);
  for (const plan of plans) expect(plan.ratio).toBeGreaterThanOrEqual(1);
});

test("a wrong suite or peer is refused with those there are", async () => {
  expect(await bench("--only", "kernel")).toMatchObject({ code: 2, output: expect.stringContaining("peers, kernels") });
  expect(await bench("--peer-batch", "theano=3")).toMatchObject({ code: 2, output: expect.stringContaining("jax-js") });
});
