/** kiln golden: what it keeps, that it holds everywhere, and what it says of a change. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkGolden, type GoldenRequest, updateGolden } from "../../cli/golden/golden.ts";
import { formatReport } from "../../cli/golden/report.ts";
import type { GivenSettings } from "../../cli/golden/settings.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { formatSafetensors } from "../../runtime/program/safetensors.ts";
import { deviceNames } from "../runtime/devices.ts";
import { Folder, tinyModel } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const request = (dir: string, given: GivenSettings = {}, adapter = "wasm"): GoldenRequest => ({
  path: folder.file("tiny.ts"),
  dir: folder.file(dir),
  given,
  open: () => openDevice({ adapter }),
  cache: false,
});

/** A copy of the goldens that is the test's own. */
function copy(name: string): string {
  cpSync(folder.file("golden"), folder.file(name), { recursive: true });
  return name;
}

/** What a check of the folder says, without paths and the adapter's name; null where all is as it was. */
async function reportOf(dir: string): Promise<string | null> {
  const { differences } = (await checkGolden(request(dir)))!;
  if (differences.length === 0) return null;
  const report = formatReport("tiny.ts", dir, differences, { remedy: "If that is meant: kiln golden --update" });
  return report.replace(/on WebAssembly.*?:/, "on ADAPTER:");
}

const edit = (path: string, change: (text: string) => string) =>
  folder.write(path, change(readFileSync(folder.file(path), "utf8")));

beforeAll(async () => {
  const { code, stdout, stderr } = await kiln("golden", "tiny.ts", "--dir", "golden", "--batch", "2", "--update");
  expect([code, stdout], stderr).toEqual([0, ""]);
  expect(stderr).toMatch(/^golden: \d+ files written$/m);
});

describe("what is kept", () => {
  test("stages, kernels, plan and numbers, and how they were made", () => {
    expect(readdirSync(folder.file("golden")).sort()).toEqual(
      [
        "expr.kir",
        "fused.kir",
        "golden.json",
        "graph.kir",
        "joint.kir",
        "kernels",
        "kernels.kir",
        "numbers.safetensors",
        "plan.json",
      ].sort(),
    );
    const { settings, tensors, files } = JSON.parse(folder.read("golden/golden.json"));
    expect(settings).toMatchObject({ target: "portable", batch: 2, mode: "train", numbers: true });
    expect(Object.keys(tensors)).toEqual([
      "output",
      "loss",
      "grad.input",
      "grad.conv2d_1.weight",
      "grad.conv2d_1.bias",
      "grad.dense_1.weight",
      "grad.dense_1.bias",
    ]);
    for (const file of files) expect(existsSync(folder.file(`golden/${file}`)), file).toBe(true);
    // Of what is large, a sample: the input's gradient has 6144 values.
    expect(folder.tensors("golden/numbers.safetensors").get("grad.input")!.shape).toEqual([1024]);
  });

  test("an update that changes nothing writes nothing", async () => {
    expect(await updateGolden(request("golden"))).toMatchObject({ written: 0, removed: [] });
  });
});

describe("goldens hold", () => {
  test.each(deviceNames)("their numbers on %s", async (adapter) => {
    const { differences, tensors } = (await checkGolden(request("golden", {}, adapter)))!;
    expect(differences).toEqual([]);
    expect(tensors).toBe(7);
    // Other last bits are no change.
    expect(await updateGolden(request("golden", {}, adapter))).toMatchObject({ written: 0 });
  });

  test("in another folder, locale and time zone, with Windows' line ends, by another path", async () => {
    const dir = copy("elsewhere/windows");
    folder.write("elsewhere/models/tiny.ts", tinyModel.replaceAll("\n", "\r\n"));
    for (const file of [
      "graph.kir",
      "plan.json",
      "golden.json",
      ...readdirSync(folder.file(`${dir}/kernels`)).map((f) => `kernels/${f}`),
    ])
      edit(`${dir}/${file}`, (text) => text.replaceAll("\n", "\r\n"));
    const other = { LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8", TZ: "Pacific/Chatham", KILN_ADAPTER: "wasm" };
    const args = ["golden", folder.file("elsewhere/models/tiny.ts"), "--dir", "elsewhere/windows"];
    const { code, stderr } = await folder.start(args, other).finished;
    expect(stderr).toContain("are as they were");
    expect(code).toBe(0);
  });

  test("of the graph as text, which says its batch itself", async () => {
    const dir = copy("text/golden");
    folder.write("text/graph.kir", folder.read("golden/graph.kir"));
    const golden = (file: string, ...more: string[]) => kiln("golden", file, "--dir", dir, ...more);
    const { code, stderr } = await golden("text/graph.kir", "--adapter", "wasm");
    expect(stderr).toMatch(/: \d+ files, 7 tensors, are as they were$/m);
    expect(code).toBe(0);
    await kiln("inspect", "tiny.ts", "--stage", "graph", "--batch", "3", "-o", "text/wider.kir");
    const wider = await golden("text/wider.kir");
    expect([wider.code, wider.stderr]).toMatchObject([1, expect.stringContaining("batch 3: it was written with 2")]);
    const late = await golden("golden/fused.kir", "--update");
    expect([late.code, late.stderr]).toMatchObject([2, expect.stringContaining("at the stage fused; goldens are of")]);
  });

  test("numbers of an inference, and of a model without classes", async () => {
    const numbers = { stages: [], kernels: "none", batch: 2 } as const;
    await updateGolden(request("infer", { ...numbers, mode: "infer" }));
    expect([...folder.tensors("infer/numbers.safetensors").keys()]).toEqual(["output", "loss"]);
    folder.write(
      "open.ts",
      `import { batchNorm, image, model } from "kiln";\nexport default model({ input: image(2, 3, 3) }, (x) => batchNorm(x));\n`,
    );
    const open = { ...request("open", numbers), path: folder.file("open.ts") };
    const { manifest } = await updateGolden(open);
    expect(Object.keys(manifest.tensors)).toEqual(
      ["output", "grad.input", "grad.batchNorm_1.weight", "grad.batchNorm_1.bias"].concat(
        ["running_mean", "running_var"].map((name) => `param.batchNorm_1.${name}`),
      ),
    );
    expect((await checkGolden(open))!.differences).toEqual([]);
    expect(await updateGolden(open)).toMatchObject({ written: 0 });
  });

  test("a helper's place is told from the model file", async () => {
    folder.write(
      "parts/head.ts",
      `import { dense, flatten, type Tensor } from "kiln";\nexport const head = (x: Tensor) => dense(flatten(x), { units: 10 });\n`,
    );
    folder.write(
      "nets/net.ts",
      `import { image, model } from "kiln";\nimport { head } from "../parts/head";\nexport default model({ input: image(1, 4, 4), classes: 10 }, (x) => head(x));\n`,
    );
    await updateGolden({
      ...request("net", { numbers: false, stages: ["graph"], kernels: "none" }),
      path: folder.file("nets/net.ts"),
    });
    expect(folder.read("net/graph.kir")).toContain("@ ../parts/head.ts:2:");
  });
});

describe("a change is told", () => {
  test("of one character of WGSL", async () => {
    const dir = copy("wgsl");
    const [file] = readdirSync(folder.file(`${dir}/kernels`)).filter((name) => name.startsWith("dense_"));
    edit(`${dir}/kernels/${file}`, (text) => text.replace("var acc_0_0 = 0f;", "var acc_0_0 = 1f;"));
    // Where the line stands, and below where a buffer lies, is for others to test.
    expect((await reportOf(dir))!.replace(/@@ .* @@/, "@@ -L,7 +L,7 @@")).toMatchInlineSnapshot(`
      "wgsl is not what Kiln makes of tiny.ts: 1 file differs

      --- wgsl/kernels/dense_dense_1.wgsl
      +++ what is made of the model now
      @@ -L,7 +L,7 @@
         let workgroupZ = i32(workgroupId.z);
         let thread = local;
         let tile = workgroupX;
      -  var acc_0_0 = 1f;
      +  var acc_0_0 = 0f;
         var acc_0_1 = 0f;
         var acc_0_2 = 0f;
         var acc_0_3 = 0f;

      If that is meant: kiln golden --update"
    `);
  });

  test("of one offset", async () => {
    const dir = copy("offset");
    edit(`${dir}/plan.json`, (text) =>
      text.replace('"name":"loss","shape":[],"offset":', '"name":"loss","shape":[],"offset":1'),
    );
    expect((await reportOf(dir))!.replace(/offset (\d+), was 1\1$/m, "offset N, was 1N")).toMatchInlineSnapshot(`
      "offset is not what Kiln makes of tiny.ts: 1 file differs

      offset/plan.json
        buffer loss: offset N, was 1N

      If that is meant: kiln golden --update"
    `);
  });

  test("of one gradient", async () => {
    const dir = copy("gradient");
    const tensors = folder.tensors(`${dir}/numbers.safetensors`);
    const gradient = tensors.get("grad.dense_1.weight")!.data;
    gradient[321] = Number(gradient[321]) + 0.01;
    folder.write(`${dir}/numbers.safetensors`, formatSafetensors(tensors));
    const report = await reportOf(dir);
    expect(report).toMatch(/grad\.dense_1\.weight +1\.0e-2 +\[3, \d+\] .* 1 of 1000/);
    // Other digits are the processor's, and so is how wide columns are.
    const digits = report!.replace(/-?\d+\.\d+(e[-+]\d+)?/g, "N").replace(/\[3, \d+\]/, "[3, i]");
    expect(digits.replace(/(\S) {2,}/g, "$1  ")).toMatchInlineSnapshot(`
      "gradient is not what Kiln makes of tiny.ts: 1 file differs

      gradient/numbers.safetensors, on ADAPTER: 1 of 7 tensors differ
        tensor  largest difference  at  tolerance  got  expected  beyond it
        grad.dense_1.weight  N  [3, i]  N  N  N  1 of 1000

      If that is meant: kiln golden --update"
    `);
  });

  test("of a model, with the rest of a long report counted", async () => {
    const dir = copy("model");
    folder.write("wider.ts", tinyModel.replace("channels = 4", "channels = 5"));
    cpSync(folder.file("tiny.ts"), folder.file("kept.ts"));
    cpSync(folder.file("wider.ts"), folder.file("tiny.ts"));
    const { code, stdout, stderr } = await kiln("golden", "tiny.ts", "--dir", dir, "--adapter", "wasm");
    cpSync(folder.file("kept.ts"), folder.file("tiny.ts"));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).not.toContain("\u001b");
    expect(stderr).toMatch(/^error: model is not what Kiln makes of tiny\.ts: \d+ files differ$/m);
    expect(stderr).toMatch(/^-parameter %conv2d_1\.weight: f32\[4,3,5,5\] = xavier$/m);
    expect(stderr).toMatch(/^\+parameter %conv2d_1\.weight: f32\[5,3,5,5\] = xavier$/m);
    expect(stderr).toMatch(/^\.\.\. \d+ more lines$/m);
    expect(stderr).toMatch(/^\.\.\. \d+ more: model\/kernels|^\.\.\. \d+ more: /m);
    expect(stderr).toMatch(/grad\.conv2d_1\.weight .* \[5, 3, 5, 5\] +\[4, 3, 5, 5\]/);
    expect(stderr).toContain("If that is meant: kiln golden tiny.ts --dir model --update");
    expect(stderr.split("\n").length).toBeLessThan(330);
  });

  test("of files: missing, new, no longer made; and update touches only what golden.json lists", async () => {
    const dir = copy("files");
    rmSync(folder.file(`${dir}/expr.kir`));
    folder.write(`${dir}/notes.md`, "mine");
    edit(`${dir}/golden.json`, (text) => text.replace('"graph.kir",', '"old/gone.wgsl",'));
    folder.write(`${dir}/old/gone.wgsl`, "");
    expect(await reportOf(dir)).toBe(`files is not what Kiln makes of tiny.ts: 3 files differ

files/graph.kir is new

files/expr.kir is missing

files/old/gone.wgsl is no longer made

If that is meant: kiln golden --update`);
    expect(await updateGolden(request(dir))).toMatchObject({ removed: ["old/gone.wgsl"] });
    expect(existsSync(folder.file(`${dir}/old`))).toBe(false);
    expect(folder.read(`${dir}/notes.md`)).toBe("mine");
    expect(readdirSync(folder.file(dir)).filter((name) => name.startsWith("."))).toEqual([]);
    expect(await reportOf(dir)).toBeNull();
  });
});

describe("settings", () => {
  const texts: GivenSettings = { numbers: false };

  test("are those of golden.json where nothing is said; others are an error, and are taken by an update", async () => {
    await updateGolden(
      request("settings", { ...texts, batch: 2, stages: ["plan", "work"], kernels: ["pictures_input"] }),
    );
    expect((await checkGolden(request("settings")))!.differences).toEqual([]);
    await expect(checkGolden(request("settings", { batch: 3, target: "wasm" }))).rejects.toThrow(
      /holds goldens of other settings.*\n {2}batch 3: it was written with 2\n {2}target wasm: it was written with portable$|target wasm.*\n {2}batch 3/s,
    );
    await updateGolden(request("settings", { target: "wasm" }));
    const { settings, files } = JSON.parse(folder.read("settings/golden.json"));
    expect(settings).toMatchObject({ target: "wasm", batch: 2, numbers: false });
    expect(files).toEqual(["plan.json", "work.json", "kernels/pictures_input.wat", "kernels.sha256"]);
    expect(existsSync(folder.file("settings/kernels/pictures_input.wgsl"))).toBe(false);
  });

  test("a target's file is found again from the folder of goldens", async () => {
    folder.write(
      "my/target.json",
      readFileSync(join(import.meta.dirname, "../../compiler/target/mobile.json"), "utf8"),
    );
    await updateGolden(request("my/golden", { ...texts, target: folder.file("my/target.json") }));
    expect(JSON.parse(folder.read("my/golden/golden.json")).settings.target).toBe("../target.json");
    expect((await checkGolden(request("my/golden")))!.differences).toEqual([]);
  });

  test.each([
    [["--target", "adapter", "--update"], 2, /goldens are the same on every machine/],
    [["--stages", "graph,moon", "--update"], 2, /there is no stage moon; there are graph, joint/],
    [["--mode", "infer", "--stages", "joint", "--update"], 2, /the stage joint is of training/],
    [["--mode", "infer", "--entries", "update", "--update"], 2, /--mode infer has the entry point forward alone/],
    [
      ["--kernels", "moon", "--update", "--no-numbers"],
      1,
      /no kernel is called moon; there are channelSum_conv2d_1_bias_next/,
    ],
    [[], 1, /nowhere holds no goldens .*; to write them: kiln golden tiny\.ts --dir nowhere --update/],
  ])("kiln golden tiny.ts %j", async (args, expected, message) => {
    const { code, stdout, stderr } = await kiln("golden", "tiny.ts", "--dir", "nowhere", ...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(existsSync(folder.file("nowhere"))).toBe(false);
  });

  test("a folder of another model, a damaged golden.json, a file in the way are left alone", async () => {
    copy("others");
    folder.write("other.ts", tinyModel);
    await expect(checkGolden({ ...request("others"), path: folder.file("other.ts") })).rejects.toThrow(
      /holds goldens of tiny, not of other/,
    );
    edit("others/golden.json", (text) => text.replace('"plan.json"', '"../plan.json"'));
    await expect(updateGolden(request("others"))).rejects.toThrow(/"files" must be a list of paths inside the folder/);
    folder.write("way/graph.kir", "mine");
    await expect(updateGolden(request("way", texts))).rejects.toThrow(/graph\.kir is in the way/);
    expect(readdirSync(folder.file("way"))).toEqual(["graph.kir"]);
  });
});
