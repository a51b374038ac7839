/** Kernels that read their operands from textures, against float64: tensors of one row of texels, and of several. */
import { describe, expect, test } from "vitest";
import { compileGraph } from "../../compiler/compileGraph.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import { lower } from "../../compiler/passes/lower.ts";
import { evaluate } from "../../compiler/reference/evaluate.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { isCopy, wgslStorageTextures } from "../../runtime/program/schema.ts";
import { texelsPerRow } from "../../runtime/program/texture.ts";
import { createSession } from "../../runtime/session.ts";
import { inTextures } from "../kernel/inTextures.ts";
import { bindingsFor, model, uniforms } from "../kernel/models.ts";
import { relativeError } from "../ops/support.ts";
import { adapterNames } from "../runtime/devices.ts";

const network = model([2, 8, 65, 67], (call, x) => {
  x = call("relu", call("conv2d", x, { channels: 8, kernel: 3, padding: 1 }));
  x = call("relu", call("conv2d", x, { channels: 12, kernel: 3, stride: 4 }));
  return call("dense", call("flatten", x), { units: 8 });
});
const entry = "gradients";
const graph = buildEntries(network, { velocity: false })[entry]!;

describe.each(adapterNames)("on %s", (adapter) => {
  test("gradients, with every operand that may be in a texture", async () => {
    const { device, target } = await openDevice({ adapter });
    expect(target.features).toContain(wgslStorageTextures);
    const choose = inTextures(target, 4);
    const { artifact } = compileGraph(network, { target, choose, entries: [entry], verify: true });
    const { textures, gpuTextures, dispatches, outputs } = artifact.program.entries[entry]!;
    expect(textures.length).toBeGreaterThan(4);
    expect(gpuTextures.length).toBeLessThan(textures.length);
    expect(gpuTextures.some((t) => t.width === texelsPerRow && t.height > 1)).toBe(true);
    expect(dispatches.filter(isCopy)).toHaveLength(textures.length);

    const numbers = bindingsFor(graph);
    const expected = evaluate(lower(graph), numbers, uniforms);
    const given = new Map([...numbers].map(([value, data]) => [value.name, data]));
    const session = await createSession(device, artifact, { entries: [entry] });
    try {
      session.writeInput(entry, "input", Float32Array.from(given.get("input")!));
      session.writeLabels(given.get("labels")!);
      for (const { name } of artifact.program.state)
        await session.writeState(name, Float32Array.from(given.get(name)!));
      await session.run(entry);
      for (const { name, value } of graph.outputs) {
        expect(Object.keys(outputs)).toContain(name);
        expect(relativeError(await session.readOutput(entry, name), expected.get(value)!), name).toBeLessThan(1e-5);
      }
      const { clock, dispatches: timed } = await session.profile(entry, { repeats: 1 });
      expect(timed.filter((d) => d.kernel === "copy")).toHaveLength(textures.length);
      if (clock === "timestamps")
        for (const d of timed) expect(d.nanoseconds, d.kernel).toBeGreaterThanOrEqual(d.kernel === "copy" ? 0 : 1);
      expect(session.memory.arenaBytes).toBe(artifact.program.entries[entry]!.arenaBytes);
    } finally {
      session.destroy();
      device.destroy();
    }
  });
});
