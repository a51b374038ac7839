import { expect, test } from "vitest";
import { type Artifact, createSession, type KilnError, type Program } from "../../runtime/index.ts";
import { onEveryAdapter } from "./devices.ts";
import { batch, classes, features, referenceStep, tiny } from "./tinyArtifact.ts";
import { networkInput, tinyPictures } from "./tinyPictures.ts";

const weightName = "dense_1.weight";
const settings = { lr: 0.1, momentum: 0.9, weightDecay: 0.01 };

async function firstBatch() {
  const bytes = new Uint8Array(batch * 12);
  const labels = new Int32Array(batch);
  await tinyPictures(100).read([3, 1, 8, 5], bytes, labels);
  return { bytes, labels, x: networkInput(bytes) };
}

const changed = (change: (program: any) => void, kernels: Record<string, string> = {}): Artifact => {
  const program = JSON.parse(JSON.stringify(tiny.program)) as Program;
  change(program);
  return { program, kernels: { ...tiny.kernels, ...kernels } };
};

const refusal = async (promise: Promise<unknown>): Promise<KilnError> => {
  const error = await promise.then(
    () => null,
    (e) => e,
  );
  expect(error).toMatchObject({ name: "KilnError" });
  return error;
};

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5) {
  expect(actual.length).toBe(expected.length);
  let [difference, norm] = [0, 0];
  for (let i = 0; i < actual.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  expect(Math.sqrt(difference / Math.max(norm, 1e-12))).toBeLessThan(tolerance);
}

onEveryAdapter((open) => {
  test("trains as the float64 reference does, from pictures and from tensors alike", async () => {
    const { bytes, labels, x } = await firstBatch();
    for (const pictures of [true, false]) {
      const session = await createSession(await open(), tiny, {
        entries: ["step"],
        seed: 5,
        ...(pictures && { pictures: { height: 2, width: 2 } }),
      });
      const w = Float64Array.from(await session.readState(weightName));
      const v = new Float64Array(w.length);
      expect(Math.max(...w)).toBeGreaterThan(0.1);
      session.setUniforms(settings);
      if (pictures) session.writePictures(bytes, 2, 2);
      else session.writeInput("step", "input", x);
      session.writeLabels(labels);
      for (let step = 1; step <= 5; step++) {
        const { loss } = await session.submitStep({ step, pictures });
        const expected = referenceStep(w, v, x, labels, settings);
        expect(await loss).toBeCloseTo(expected.loss, 5);
        expectClose(await session.readOutput("step", "output"), expected.logits);
      }
      expectClose(await session.readState(weightName), w);
      expectClose(await session.readState(`${weightName}.velocity`), v);
      session.destroy();
    }
  });

  test("reads pictures of another size", async () => {
    const session = await createSession(await open(), tiny, {
      entries: ["forward"],
      pictures: { height: 6, width: 4 },
    });
    const { bytes, x } = await firstBatch();
    session.writePictures(bytes, 2, 2);
    await session.run("forward", { pictures: true });
    const small = await session.readOutput("forward", "output");
    // Each pixel three times as high and twice as wide: the picture kernel takes the nearest.
    const large = new Uint8Array(batch * 72);
    for (let n = 0; n < batch; n++)
      for (let h = 0; h < 6; h++)
        for (let w = 0; w < 4; w++)
          for (let c = 0; c < 3; c++)
            large[((n * 6 + h) * 4 + w) * 3 + c] = bytes[((n * 2 + Math.floor(h / 3)) * 2 + Math.floor(w / 2)) * 3 + c];
    session.writePictures(large, 6, 4);
    await session.run("forward", { pictures: true });
    expect(await session.readOutput("forward", "output")).toEqual(small);
    const weights = Float64Array.from(await session.readState(weightName));
    expectClose(small, referenceStep(weights, new Float64Array(36), x, [0, 0, 0, 0], { lr: 0 }).logits);
  });

  test("a step in two halves is the step", async () => {
    const { labels, x } = await firstBatch();
    const whole = await createSession(await open(), tiny, { entries: ["step"] });
    const halves = await createSession(await open(), tiny, { entries: ["gradients", "update"] });
    for (const session of [whole, halves]) session.setUniforms(settings);
    for (const [session, name] of [
      [whole, "step"],
      [halves, "gradients"],
    ] as const) {
      session.writeInput(name, "input", x);
      session.writeLabels(labels);
    }
    await whole.run("step");
    await halves.run("gradients");
    const gradient = await halves.readOutput("gradients", `grad.${weightName}`);
    const w = Float64Array.from(await halves.readState(weightName));
    expectClose(gradient, referenceStep(w, new Float64Array(36), x, labels, { lr: 0 }).dw);
    halves.writeInput("update", `grad.${weightName}`, gradient);
    await halves.run("update");
    expect(await halves.readStates()).toEqual(await whole.readStates());
  });

  test("creates nothing while training", async () => {
    const opened = await open();
    const device = opened.gpu;
    const session = await createSession(opened, tiny, {
      entries: ["step", "forward"],
      pictures: { height: 2, width: 2 },
    });
    const created: string[] = [];
    const creators = Object.getOwnPropertyNames(Object.getPrototypeOf(device)).filter(
      (name) => /^create/.test(name) && name !== "createCommandEncoder",
    );
    expect(creators).toEqual(
      expect.arrayContaining(["createBuffer", "createTexture", "createBindGroup", "createComputePipelineAsync"]),
    );
    for (const name of creators) {
      const original = (device as any)[name].bind(device);
      (device as any)[name] = (...args: unknown[]) => {
        created.push(name);
        return original(...args);
      };
    }
    device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_DST }).destroy();
    expect(created).toEqual(["createBuffer"]); // the counter counts

    const { bytes, labels } = await firstBatch();
    session.setUniforms(settings);
    const losses: Promise<number>[] = [];
    for (let step = 1; step <= 50; step++) {
      session.writePictures(bytes, 2, 2);
      session.writeLabels(labels);
      losses.push((await session.submitStep({ step, pictures: true })).loss);
    }
    const values = await Promise.all(losses);
    await session.run("forward", { pictures: true });
    await session.readOutput("forward", "output");
    await session.readStates();
    expect(created).toEqual(["createBuffer"]);
    expect(values[49]).toBeLessThan(values[0] / 2);
  });

  test("the same seed gives the same bits, another seed others", async () => {
    const { bytes, labels } = await firstBatch();
    const final = async (seed: number) => {
      const session = await createSession(await open(), tiny, {
        entries: ["step"],
        seed,
        pictures: { height: 2, width: 2 },
      });
      session.setUniforms(settings);
      session.writePictures(bytes, 2, 2);
      session.writeLabels(labels);
      for (let step = 1; step <= 10; step++) await session.submitStep({ step, pictures: true });
      return session.readStates();
    };
    expect(await final(3)).toEqual(await final(3));
    expect(await final(3)).not.toEqual(await final(4));
  });

  test("keeps at most two steps under way, and their losses in order", async () => {
    const session = await createSession(await open(), tiny, { entries: ["step"], pictures: { height: 2, width: 2 } });
    const { bytes, labels, x } = await firstBatch();
    session.setUniforms({ lr: 0.1 });
    session.writeLabels(labels);
    session.writePictures(bytes, 2, 2);
    const w = Float64Array.from(await session.readState(weightName));
    const v = new Float64Array(w.length);
    let underway = 0;
    const losses: number[] = [];
    for (let step = 1; step <= 6; step++) {
      const { loss } = await session.submitStep({ step, pictures: true });
      underway++;
      expect(underway).toBeLessThanOrEqual(2);
      loss.then((value) => {
        underway--;
        losses.push(value);
      });
    }
    await session.readStates();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(losses).toHaveLength(6);
    for (const loss of losses) expect(loss).toBeCloseTo(referenceStep(w, v, x, labels, { lr: 0.1 }).loss, 5);
  });

  test("profiles every dispatch", async () => {
    const session = await createSession(await open(), tiny, { entries: ["step"], pictures: { height: 2, width: 2 } });
    const { bytes, labels } = await firstBatch();
    session.setUniforms({ lr: 0 });
    session.writePictures(bytes, 2, 2);
    session.writeLabels(labels);
    const before = await session.readState(weightName);
    const profile = await session.profile("step", { pictures: true, repeats: 2 });
    expect(profile.clock).toBe("timestamps");
    expect(profile.dispatches.map((d) => d.kernel)).toEqual([
      "pictures",
      "forward",
      "loss",
      "weightGradient",
      "update",
    ]);
    for (const { nanoseconds } of profile.dispatches) expect(nanoseconds).toBeGreaterThan(0);
    const sum = profile.dispatches.reduce((total, d) => total + d.nanoseconds, 0);
    expect(profile.totalNanoseconds).toBe(sum);
    expect(profile.totalNanoseconds).toBeLessThan(1e9);
    // One run, in order; none of its dispatches was faster than the least of all runs.
    const run = profile.fastestRun!;
    for (let i = 1; i < run.length; i++)
      expect(run[i].start).toBeGreaterThanOrEqual(run[i - 1].start + run[i - 1].nanoseconds);
    for (const [i, { nanoseconds }] of run.entries())
      expect(nanoseconds).toBeGreaterThanOrEqual(profile.dispatches[i].nanoseconds);
    expect(await session.readState(weightName)).toEqual(before); // lr 0
  });

  test("tells what it allocated", async () => {
    const device = await open();
    const sizes: number[] = [];
    const { gpu } = device;
    const { createBuffer } = gpu;
    gpu.createBuffer = (descriptor) => {
      sizes.push(descriptor.size);
      return createBuffer.call(gpu, descriptor);
    };
    const session = await createSession(device, tiny, { entries: ["step", "forward"] });
    expect(session.memory.arenaBytes).toBe(tiny.program.arenaBytes);
    expect(session.memory.persistentBytes).toBe(tiny.program.persistentBytes);
    expect(session.memory.totalBytes).toBe(sizes.reduce((a, b) => a + b, 0));
  });

  test("state is written and read in logical order, and takes another model's weights only where they fit", async () => {
    const device = await open();
    const weights = Float32Array.from({ length: classes * features }, (_, i) => i);
    const tensor = (shape: number[], data = weights) => ({ dtype: "F32", shape, data }) as const;
    const session = await createSession(device, tiny, {
      entries: ["forward"],
      weights: new Map([[weightName, tensor([3, 12])]]),
    });
    expect(await session.readState(weightName)).toEqual(weights);
    await session.writeState(
      weightName,
      weights.map((value) => -value),
    );
    expect(await session.readState(weightName)).toEqual(weights.map((value) => -value));
    const x = new Float32Array(48);
    x[4 + 2] = 1; // picture 0, channel 1, row 1, column 0: feature 6
    session.writeInput("forward", "input", x);
    await session.run("forward");
    expect((await session.readOutput("forward", "output")).slice(0, 3)).toEqual(new Float32Array([-6, -18, -30]));

    const wrong = await refusal(
      createSession(device, tiny, {
        entries: ["forward"],
        weights: new Map([
          [weightName, tensor([12, 3])],
          ["dense_9.weight", tensor([36])],
        ]),
      }),
    );
    expect(wrong.message).toBe(
      "the weights do not fit the model tiny: dense_1.weight is [12, 3], the model's is [3, 12]; the model has no dense_9.weight",
    );
    const missing = await refusal(createSession(device, tiny, { entries: ["forward"], weights: new Map() }));
    expect(missing.message).toContain("dense_1.weight is missing");
  });

  test("refuses what would compute from nothing", async () => {
    const session = await createSession(await open(), tiny, { entries: ["step", "forward"] });
    const empty = await refusal(session.run("step"));
    expect(empty.message).toBe(
      "step cannot run without the input input (writeInput), labels (writeLabels), the learning rate (setUniforms({ lr }))",
    );
    expect((await refusal(session.run("forward", { pictures: true }))).message).toContain("pictures (writePictures)");
    expect((await refusal(session.run("gradients"))).message).toContain("not made for the entry point gradients");
    expect((await refusal(session.readOutput("forward", "output"))).message).toContain("nothing ran");
    expect((await refusal(session.readState("dense_2.weight"))).message).toContain("no state named dense_2.weight");
    expect(() => session.writePictures(new Uint8Array(48), 2, 2)).toThrow("made without pictures");
    expect(() => session.writeInput("forward", "input", new Float32Array(3))).toThrow("3 values for the input input");
    expect(() => session.writeLabels([0, 1, 2, 3])).toThrow("label 3 of the batch is 3; 0 to 2 expected");
    expect(() => session.writeLabels([0, 1])).toThrow("2 labels for a batch of 4");
    for (const plain of [
      changed((p) => {
        p.uniforms = p.uniforms.filter((u: any) => u.name !== "momentum");
      }),
      changed((p) => {
        p.model.optimizer.velocity = false;
      }),
    ]) {
      const other = await createSession(await open(), plain, { entries: ["forward"] });
      other.setUniforms({ momentum: 0 });
      expect(() => other.setUniforms({ momentum: 0.9 })).toThrow("momentum is 0.9, but tiny was compiled without it");
    }
  });

  test("refuses an adapter by what it lacks", async () => {
    const device = await open();
    const wanting = changed((p) => {
      p.target = { ...p.target, name: "wishful", features: ["shader-f16"], subgroupSize: 64 };
      p.target.limits.maxComputeWorkgroupStorageSize = 2 ** 20;
    });
    const error = await refusal(createSession(device, wanting, { entries: ["step"] }));
    expect(error.kind).toBe("adapter");
    expect(error.message).toMatch(/compiled for wishful; the adapter .+ lacks the feature shader-f16/);
    expect(error.message).toMatch(/maxComputeWorkgroupStorageSize 1048576 \(it has 32768\), subgroups of 64 \(its own/);
    const absent = await refusal(createSession(device, tiny, { entries: ["gradientsFromCotangent"] }));
    expect(absent.message).toContain("no entry point gradientsFromCotangent; it has step, forward, gradients, update");
  });

  test("names kernel, file and line of invalid WGSL, and what a pipeline is refused for", async () => {
    const device = await open();
    const broken = changed(() => {}, { "kernels/loss.wgsl": "fn main() {\n  let x = y;\n}" });
    const error = await refusal(createSession(device, broken, { entries: ["step"] }));
    expect(error.kind).toBe("validation");
    expect(error.message).toContain("kernel loss (kernels/loss.wgsl, made from models/tiny.ts:5) is not valid WGSL");
    expect(error.message).toMatch(/kernels\/loss\.wgsl:2:11: .*y/);

    const noEntry = changed((p) => {
      p.kernels[1].entryPoint = "absent";
    });
    const pipeline = await refusal(createSession(device, noEntry, { entries: ["step"] }));
    expect(pipeline.message).toMatch(/kernel forward .*absent/s);

    const missing = await refusal(createSession(device, { ...tiny, kernels: {} }, { entries: ["step"] }));
    expect(missing.message).toContain("kernels/pictures.wgsl is missing".replace("pictures", "forward"));

    // The device is none the worse: a good artifact still runs on it.
    const session = await createSession(device, tiny, { entries: ["forward"] });
    session.writeInput("forward", "input", new Float32Array(48));
    await session.run("forward");
  });

  test("a dispatch that the device refuses fails the run instead of giving an old loss", async () => {
    const session = await createSession(
      await open(),
      changed((p) => {
        p.entries.step.dispatches[0].workgroups = [70000, 1, 1];
      }),
      { entries: ["step"], pictures: { height: 2, width: 2 } },
    );
    const { bytes, labels } = await firstBatch();
    session.setUniforms({ lr: 0.1 });
    session.writePictures(bytes, 2, 2);
    session.writeLabels(labels);
    const { loss } = await session.submitStep({ step: 1, pictures: true });
    const error = await refusal(loss);
    expect(error.kind).toBe("validation");
    expect(error.message).toMatch(/running step: .*70000/s);
  });

  test("a buffer beyond the device's memory is named", async () => {
    const device = await open();
    const huge = changed((p) => {
      for (const entry of Object.values(p.entries) as any[]) entry.arenas[1] = device.gpu.limits.maxBufferSize + 16;
    });
    const error = await refusal(createSession(device, huge, { entries: ["forward"] }));
    expect(error.message).toMatch(/^arena 1 \(\d\.\d GiB\): /);
  });
});
