/** kiln compile and kiln inspect. */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readArtifact } from "../../runtime/node/index.ts";
import { f32 } from "../../runtime/program/safetensors.ts";
import { type Finished, Folder, numbers } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const shapes = {
  "conv2d_1.weight": [4, 3, 5, 5],
  "conv2d_1.bias": [4],
  "dense_1.weight": [10, 100],
  "dense_1.bias": [10],
};

let compiled: Finished;
beforeAll(async () => {
  compiled = await kiln("compile", "tiny.ts", "--batch", "8", "-o", "built", "--dump-ir");
});

describe("compile", () => {
  test("writes the artifact, and says what became of the memory", async () => {
    expect([compiled.code, compiled.stdout]).toEqual([0, ""]);
    const { program } = await readArtifact(folder.file("built"));
    expect(readdirSync(folder.file("built")).sort()).toEqual(["ir", "kernels", "program.json", "tiny.ts"]);
    expect(program.model).toMatchObject({ name: "tiny", mode: "train", batch: 8, classes: 10 });
    expect(program.target.name).toBe("portable");
    expect(Object.fromEntries(program.state.map(({ name, shape }) => [name, shape]))).toEqual(shapes);
    expect(Object.keys(program.entries).sort()).toEqual(
      ["forward", "gradients", "gradientsFromCotangent", "step", "update"].sort(),
    );
    expect(compiled.stderr).toContain(
      `arena ${(program.arenaBytes / 1024).toFixed(1)} KiB (${program.arenaBytes} bytes)`,
    );
    expect(compiled.stderr).toMatch(/lower bound .*, ratio 1\.\d+; state .* KiB/);
  });

  test("dumps the program after each pass", () => {
    const names = readdirSync(folder.file("built/ir")).sort();
    names.forEach((name, i) => {
      expect(name).toMatch(new RegExp(`^${String(i).padStart(2, "0")}-[a-z-]+\\.kir$`));
    });
    expect(names[0]).toBe("00-graph.kir");
    expect(names.at(-1)).toMatch(/-plan\.kir$/);
    expect(folder.read("built/ir/00-graph.kir")).toMatch(/^graph tiny train\n/);
    const texts = names.map((name) => folder.read(`built/ir/${name}`));
    expect(texts).toContain("unchanged\n");
    expect(texts.slice(1).some((text, i) => text === texts[i] && text !== "unchanged\n")).toBe(false);
  });

  test("the typed module has names, shapes and load", () => {
    const text = folder.read("built/tiny.ts");
    expect(text).toContain(
      `export type ParameterName = ${Object.keys(shapes)
        .map((name) => `"${name}"`)
        .join(" | ")};`,
    );
    expect(text).toContain("export const inputShape = [8,3,32,32] as const;");
    expect(text).toMatch(/export async function load\(device: Device, .*\): Promise<Tiny>/);
  });

  test("momentum keeps velocities, --set and --mode are recorded", async () => {
    await kiln("compile", "tiny.ts", "-o", "momentum", "--momentum", "0.9", "--set", "channels=6");
    const { program } = await readArtifact(folder.file("momentum"));
    expect(program.state.filter((state) => state.role === "velocity")).toHaveLength(4);
    expect(program.model.settings).toEqual({ channels: "6" });
    expect(program.state[0].shape).toEqual([6, 3, 5, 5]);
    await kiln("compile", "tiny.ts", "-o", "infer", "--mode", "infer", "--target", "lavapipe");
    const infer = await readArtifact(folder.file("infer"));
    expect(Object.keys(infer.program.entries)).toEqual(["forward"]);
    expect(infer.program.target.name).toBe("lavapipe");
    expect(infer.program.arenaBytes).toBe(infer.program.entries.forward!.arenaBytes);
  });

  test("weights go in, and must fit", async () => {
    const tensors = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, f32(shape, numbers(shape.reduce((a, b) => a * b)))]),
    );
    folder.writeTensors("w.safetensors", tensors);
    expect(await kiln("compile", "tiny.ts", "-o", "weights", "--weights", "w.safetensors")).toMatchObject({ code: 0 });
    const read = folder.tensors("weights/weights.safetensors");
    expect(read.get("dense_1.weight")!.data).toEqual(tensors["dense_1.weight"].data);

    const { "dense_1.bias": _, ...others } = tensors;
    folder.writeTensors("less.safetensors", others);
    const { code, stderr } = await kiln("compile", "tiny.ts", "-o", "less", "--weights", "less.safetensors");
    expect([code, stderr]).toEqual([1, expect.stringContaining("dense_1.bias is missing")]);
  });

  test("mistakes: a frame for people on stderr, JSON on stdout", async () => {
    folder.write(
      "wrong.ts",
      `import { image, maxPool2d, model } from "kiln";
export default model({ input: image(3, 8, 8) }, (x) => {
  x = maxPool2d(x, { kernel: 12 });
  return maxPool2d(x, { kernl: 2 });
});
`,
    );
    const { code, stdout, stderr } = await kiln("compile", "wrong.ts", "-o", "wrong", "--json");
    expect(code).toBe(1);
    const diagnostics = JSON.parse(stdout);
    expect(diagnostics.map((d: { code: string; line: number }) => [d.code, d.line])).toEqual([
      ["KILN2004", 3],
      ["KILN2002", 4],
    ]);
    expect(Object.keys(diagnostics[0])).toEqual(["file", "line", "column", "code", "message"]);
    expect(stderr).toMatch(/^wrong\.ts:3:\d+ - error KILN2004: .*\n\n 3 \| {3}x = maxPool2d/);
    expect(stderr).toContain("2 errors");
    expect(await kiln("compile", "tiny.ts", "-o", "right", "--json")).toMatchObject({ code: 0, stdout: "[]\n" });
  });

  test("a tensor too large for the target is found at its layer", async () => {
    folder.write(
      "large.ts",
      `import { conv2d, image, model } from "kiln";
export default model({ input: image(3, 64, 64) }, (x) =>
  conv2d(x, { channels: 2048, kernel: 1 }));
`,
    );
    const { code, stdout, stderr } = await kiln("compile", "large.ts", "-o", "large", "--batch", "64", "--json");
    expect([code, JSON.parse(stdout)[0].code, JSON.parse(stdout)[0].line]).toEqual([1, "KILN3001", 3]);
    expect(stderr).toMatch(
      /large\.ts:3:3 - error KILN3001: tensor %\S+ f32\[64,2048,64,64\] .*largest batch that fits is/s,
    );
  });

  test("a folder with other things in it is left alone", async () => {
    folder.write("mine/notes.txt", "important");
    const { code, stderr } = await kiln("compile", "tiny.ts", "-o", "mine");
    expect([code, stderr]).toEqual([1, expect.stringContaining("mine holds notes.txt")]);
    expect(folder.read("mine/notes.txt")).toBe("important");
  });
});

describe("inspect", () => {
  test.each(["graph", "joint", "expr", "fused"])("%s as text and as JSON", async (stage) => {
    const text = await kiln("inspect", "tiny.ts", "--stage", stage);
    expect([text.code, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).toMatch(new RegExp(`^${stage} tiny train\n`));
    const json = await kiln("inspect", "tiny.ts", "--stage", stage, "--format", "json");
    expect(JSON.parse(json.stdout)).toMatchObject({ stage, name: "tiny", mode: "train", classes: 10 });
  });

  test("the plan of a model and of its artifact are the same", async () => {
    const [model, artifact] = await Promise.all([
      kiln("inspect", "tiny.ts", "--batch", "8", "--stage", "plan", "--format", "json"),
      kiln("inspect", "built", "--stage", "plan", "--format", "json"),
    ]);
    const [a, b] = [model, artifact].map(({ stdout }) => {
      const plan = JSON.parse(stdout);
      for (const dispatch of plan.dispatches) {
        dispatch.reads.sort();
        dispatch.writes.sort();
      }
      return plan;
    });
    expect(a).toEqual(b);
    expect(Object.keys(a)).toEqual([
      "arenaBytes",
      "lowerBoundBytes",
      "persistentBytes",
      "buffers",
      "textures",
      "dispatches",
    ]);
    const { program } = await readArtifact(folder.file("built"));
    expect(a.arenaBytes).toBe(program.arenaBytes);
    expect(a.dispatches).toHaveLength(program.entries.step!.dispatches.length);
    expect(a.dispatches[0].reads).toContain("conv2d_1.weight");
  });

  test("kernels", async () => {
    const text = await kiln("inspect", "tiny.ts", "--stage", "kernels");
    expect(text.stdout).toMatch(/^kernel \S+ workgroups /m);
    expect(text.stdout).toMatch(/from @ tiny\.ts:4:7|@ tiny\.ts:4/);
    const wgsl = await kiln("inspect", "built", "--stage", "kernels");
    expect(wgsl.stdout).toContain("@compute @workgroup_size(");
    expect(wgsl.stdout).toMatch(/^\/\/ \S+: \S.* @ tiny\.ts:4:7$/m);
    const early = await kiln("inspect", "built", "--stage", "fused");
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining("inspect the model file")]);
  });
});
