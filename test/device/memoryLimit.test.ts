/** Training under a limit on memory: the same losses and parameters, bit for bit, in less memory. */
import { beforeAll, describe, expect, test } from "vitest";
import { assemble, compileGraph, PlanError } from "../../compiler/index.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { type OpenedDevice, openDevice } from "../../runtime/node/device.ts";
import { createSession } from "../../runtime/session.ts";
import { graphOf, readFile, readText } from "../frontend/read.ts";
import { adapterNames } from "../runtime/devices.ts";

const steps = 5;

const residual = `import { add, batchNorm, conv2d, dense, dropout, flatten, image, maxPool2d, model, relu } from "kiln";
const block = (x, channels) => {
  const y = batchNorm(conv2d(x, { channels, kernel: 3, padding: 1, activation: "relu" }));
  return relu(add(x, batchNorm(conv2d(y, { channels, kernel: 3, padding: 1 }))));
};
export default model({ input: image(3, 16, 16), classes: 5 }, (x) => {
  x = conv2d(x, { channels: 8, kernel: 3, padding: 1 });
  for (let i = 0; i < 4; i++) x = block(x, 8);
  x = dropout(flatten(maxPool2d(x, { kernel: 2 })), { rate: 0.4 });
  return dense(x, { units: 5 });
});`;

const plain = `import { conv2d, dense, flatten, image, maxPool2d, model } from "kiln";
export default model({ input: image(3, 33, 33), classes: 5 }, (x) => {
  x = conv2d(x, { channels: 12, kernel: 5, stride: 2, activation: "relu" });
  x = maxPool2d(x, { kernel: 3, stride: 2 });
  for (let i = 0; i < 4; i++) x = conv2d(x, { channels: 24, kernel: 3, padding: 1, activation: "relu" });
  x = maxPool2d(x, { kernel: 3, stride: 2 });
  return dense(flatten(x), { units: 5 });
});`;

const models: Record<string, () => Graph> = {
  lenet: () => readFile("models/lenet.ts", { batch: 8 }),
  residual: () => graphOf(readText(residual, { batch: 8 })),
  "like AlexNet": () => graphOf(readText(plain, { batch: 8 })),
};

describe.each(["wasm", adapterNames[0]])("on %s", (adapter) => {
  let opened: OpenedDevice;
  beforeAll(async () => {
    opened = await openDevice({ adapter });
    return () => opened.device.destroy();
  });

  const compiled = (graph: Graph, memoryLimit?: number) => {
    const { artifact, model } = compileGraph(graph, { target: opened.target, entries: ["step"], memoryLimit });
    const { plan, problem, recomputation } = model.entries.step!;
    expect(checkPlan(plan, problem)).toEqual([]);
    return { artifact, plan, recomputation };
  };

  /** Losses and, at the end, every state, as bits. */
  const train = async (artifact: ReturnType<typeof compiled>["artifact"]) => {
    const session = await createSession(opened.device, await assemble(artifact), { entries: ["step"], seed: 7 });
    session.setUniforms({ lr: 0.05 });
    const { shape } = artifact.program.input;
    const count = shape.reduce((a, b) => a * b, 1);
    const losses: number[] = [];
    for (let step = 1; step <= steps; step++) {
      session.writeInput(
        "step",
        "input",
        Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.37 + step)),
      );
      session.writeLabels(Array.from({ length: shape[0] }, (_, i) => (i * step) % 5));
      session.setUniforms({ step });
      await session.run("step");
      losses.push((await session.readOutput("step", "loss"))[0]);
    }
    const states: Record<string, Float32Array> = {};
    for (const { name } of artifact.program.state) states[name] = await session.readState(name);
    session.destroy();
    return { losses, states };
  };

  test.each(Object.keys(models))("%s", { timeout: 120_000 }, async (name) => {
    const graph = models[name]();
    const free = compiled(graph);
    let smallest = 0;
    try {
      compiled(graph, 4096);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      expect(error.code).toBe("KILN3002");
      smallest = error.smallestLimit!;
      expect(error.message).toContain(`--memory-limit ${smallest} or more`);
    }
    expect(smallest).toBeGreaterThan(4096);
    expect(smallest).toBeLessThanOrEqual(free.plan.arenaBytes);
    const limited = compiled(graph, smallest);
    expect(limited.plan.arenaBytes).toBeLessThanOrEqual(smallest);
    expect(limited.artifact.program.model.memoryLimit).toBe(smallest);
    expect(limited.recomputation!.further > 0).toBe(smallest < free.plan.arenaBytes);
    expect(compiled(graph, smallest).artifact).toEqual(limited.artifact);

    const [expected, found] = [await train(free.artifact), await train(limited.artifact)];
    expect(new Set(expected.losses).size).toBe(steps);
    expect(found).toEqual(expected);
  });
});
