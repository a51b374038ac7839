/** kiln opt, and text IR as MODEL: what `kiln inspect` and `--dump-ir` write goes on from there. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Folder, root } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const stages = ["graph", "joint", "expr", "fused", "kernels", "plan"] as const;
const reference = (file: string): string => join(root, "test/reference", file);

describe("the pipeline by hand", () => {
  let dumps: string[];

  beforeAll(async () => {
    const { code, stderr } = await kiln("compile", "tiny.ts", "-o", "built", "--batch", "4", "--dump-ir");
    expect(stderr).toContain("Written");
    expect(code).toBe(0);
    dumps = readdirSync(folder.file("built/ir")).sort();
  });

  test("each pass by itself makes the text of its dump from the text of the dump before", async () => {
    expect(dumps.length).toBeGreaterThan(20);
    let before = dumps[0];
    for (const dump of dumps.slice(1)) {
      const pass = dump.replace(/^\d+-|\.kir$/g, "");
      const { code, stdout, stderr } = await kiln("opt", `built/ir/${before}`, "--passes", pass, "--verify-each");
      expect([code, stderr], dump).toEqual([0, ""]);
      const text = folder.read(`built/ir/${dump}`);
      if (text === "unchanged\n") expect(stdout, dump).toBe(folder.read(`built/ir/${before}`));
      else {
        expect(stdout, dump).toBe(text);
        before = dump;
      }
    }
  });

  test("all of them at once, from standard input's graph to a file, each shown on the way", async () => {
    const names = dumps.slice(1).map((dump) => dump.replace(/^\d+-|\.kir$/g, ""));
    const { code, stdout, stderr } = await kiln(
      "opt",
      ...["built/ir/00-graph.kir", "--passes", names.join(","), "-o", "plan.kir", "--print-after-all"],
    );
    expect([code, stdout]).toEqual([0, ""]);
    expect(folder.read("plan.kir")).toBe(folder.read(`built/ir/${dumps.at(-1)}`));
    expect([...stderr.matchAll(/^\/\/ after (.*)$/gm)].map(([, name]) => name)).toEqual(names);
  });
});

test("--memory-limit is what the plan may take", async () => {
  const [program] = readFileSync(join(root, "test/passes/kir/rematerialise.kir"), "utf8").split("// -----\n");
  folder.write("idle.kir", program);
  const planned = (...more: string[]) => kiln("opt", "idle.kir", "--passes", "rematerialise,plan", ...more);
  const { stdout: free } = await planned();
  expect(free).toMatch(/^memory 3328 /m);
  expect(free).not.toContain("again");
  const { stdout: limited } = await planned("--memory-limit", "2.25KiB");
  expect(limited).toMatch(/^memory 2304 /m);
  expect(limited).toContain("run avgPool2d_a_again (%x) -> (%a.again)");
});

test.each(stages)("without passes it prints what kiln inspect printed: %s", async (stage) => {
  const { stdout } = await kiln("inspect", "tiny.ts", "--stage", stage, "--batch", "4", "--target", "few-bindings");
  folder.write("stage.kir", stdout);
  const printed = await kiln("opt", "stage.kir");
  expect(printed.stdout).toBe(stdout);
});

describe("kiln run on text gives the bits of the model file", () => {
  const adapter = ["--adapter", "wasm"];
  const cases = [
    { name: "lenet_steps", model: "lenet", more: ["--steps", "3", "--lr", "0.1"] },
    { name: "conv2d_chain", model: "conv2d_chain", more: ["--grads"] },
    { name: "batch_norm_infer", model: "batch_norm_infer", more: ["--mode", "infer"] },
  ];

  test.each(cases)("$name", { timeout: 120_000 }, async ({ name, model, more }) => {
    const inputs = ["--inputs", reference(`${name}.in.safetensors`), "--weights", reference(`${model}.w.safetensors`)];
    const run = (model: string, out: string) => kiln("run", model, ...inputs, "--out", out, ...more, ...adapter);
    const whole = await run(reference(`${model}.ts`), "whole.safetensors");
    expect(whole.stderr).toContain("Written");
    const [batch] = folder.tensors("whole.safetensors").get("output")!.shape;
    const mode = more.includes("infer") ? ["--mode", "infer"] : [];
    for (const stage of stages) {
      if (stage === "joint" && mode.length > 0) continue;
      const { stdout, code } = await kiln(
        "inspect",
        ...[reference(`${model}.ts`), "--stage", stage, "--batch", `${batch}`, "--target", "wasm", ...mode],
      );
      expect(code).toBe(0);
      folder.write(`${stage}.kir`, stdout);
      const { stderr } = await run(`${stage}.kir`, "part.safetensors");
      expect(stderr, stage).toContain("Written");
      expect(folder.tensors("part.safetensors"), stage).toEqual(folder.tensors("whole.safetensors"));
    }
  });
});

describe("what is wrong", () => {
  const graph = `graph g infer
image [1, 2, 2] mean [0] std [1]
input %x: f32[1,1,2,2]
%y: f32[1,1,2,2] = relu(x: %x)
output output = %y
`;
  const opt = async (text: string, ...more: string[]) => {
    folder.write("wrong.kir", text);
    const { code, stderr } = await kiln("opt", "wrong.kir", ...more);
    return [code, stderr];
  };

  test("text that cannot be read has a place and a frame", async () => {
    expect(await opt(graph.replace("%x)", "%z)"))).toEqual([
      1,
      `wrong.kir:4:28 - error KILN4001: %z is not defined above

 4 | %y: f32[1,1,2,2] = relu(x: %z)
   |                            ^

1 error
`,
    ]);
  });

  test("a program that does not hold together", async () => {
    const [code, stderr] = await opt(graph.replace("%y: f32[1,1,2,2]", "%y: f32[1,1,2,3]"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wrong\.kir:1:1 - error KILN4002: .*f32\[1,1,2,3\]/);
  });

  test.each([
    ["lowr", "error: --passes: there is no pass lowr; did you mean `lower`?\n"],
    [
      "plan",
      /^error: --passes: plan takes kernels, and this is graph; the pipeline runs number-streams,.*,rematerialise before it\n$/,
    ],
    ["lower,autodiff", "error: --passes: autodiff takes graph, and this is expr\n"],
  ])("--passes %s", async (names, message) => {
    const [code, stderr] = await opt(graph, "--passes", names);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test.each([
    ["graph", 4, ""],
    ["expr", 4, "lower"],
    ["fused", 4, "lower,layout,fusion"],
  ])("a tensor too large for the target, from the stage %s", async (stage, line, passes) => {
    folder.write("small.kir", graph.replaceAll("1,1,2,2", "1,1,8192,8192").replace("1, 2, 2", "1, 8192, 8192"));
    const { stdout } = await kiln("opt", "small.kir", ...(passes ? ["--passes", passes] : []));
    expect(stdout).toMatch(stage);
    folder.write("large.kir", stdout);
    const { code, stdout: json, stderr } = await kiln("compile", "large.kir", "-o", "never", "--json");
    expect([code, JSON.parse(json)]).toMatchObject([1, [{ code: "KILN3001", file: "large.kir", line }]]);
    expect(stderr).toMatch(/^large\.kir:\d+:\d+ - error KILN3001: tensor %\w .*\n\n +\d+ \| .*%\w/);
  });

  test("a memory limit that no plan keeps to", async () => {
    const { stdout } = await kiln("inspect", "tiny.ts", "--stage", "kernels", "--batch", "4");
    const [code, stderr] = await opt(stdout, "--passes", "rematerialise", "--memory-limit", "1KiB");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wrong\.kir:\d+:\d+ - error KILN3002: .* at most 1024 bytes .*\n\n +\d+ \| .*%/);
  });

  test("options that text has settled", async () => {
    folder.write("g.kir", graph);
    const { code, stderr } = await kiln("compile", "g.kir", "-o", "never", "--batch", "3");
    expect([code, stderr]).toEqual([2, "error: --batch 3: g.kir is for 1\n"]);
  });
});

test("--passes list says what each takes and does", async () => {
  const { code, stdout } = await kiln("opt", "--passes", "list");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^fusion +expr laid out +Definitions are grouped/m);
});
