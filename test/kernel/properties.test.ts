/**
 * Random networks through the whole pipeline, run where the plan puts them: every kernel's values are those of the ops'
 * own definitions in float64. The same with random schedules.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Graph } from "../../compiler/ir/graph.ts";
import { ops } from "../../compiler/ops/registry.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import { type ContractionSchedule, isValidSchedule } from "../../compiler/schedule/tile.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import { print } from "../../compiler/text/print.ts";
import { model } from "./models.ts";
import { batches, contractions, longSums, modelOf, type Network, networks, opsThatCome, small } from "./networks.ts";
import { runPlanned } from "./planned.ts";

/** The same cases in every run; fast-check still shrinks what fails. */
const settings = (numRuns: number) => ({ seed: 20240301, numRuns });
const timeout = 120_000;
/** Of networks under a memory limit. */
const runs = Number(process.env.KILN_RUNS ?? 15);
const tolerance = 1e-9;

const targetNames = ["portable", "lavapipe", "swiftshader", "few-bindings", "small-buffers", "wasm"] as const;
const anyEntry = ["forward", "gradientsFromCotangent"] as const;
const entryNames = [...anyEntry, "gradients", "step", "step with velocity", "update"] as const;
type EntryName = (typeof entryNames)[number];

const entryOf = (network: Network, name: EntryName): Graph => {
  const built = buildEntries(modelOf(network), { velocity: name !== "step" });
  return built[name === "step with velocity" ? "step" : name]!;
};

/** A network and one of the entry points that it has. */
const withEntry = (from: fc.Arbitrary<Network>) =>
  from.chain((network) =>
    fc.record({
      network: fc.constant(network),
      entry: fc.constantFrom<EntryName[]>(...(network.head ? entryNames : anyEntry)),
    }),
  );

const holds = (network: Network, entry: EntryName, targetName: string, choose?: ScheduleChoice): void => {
  const graph = entryOf(network, entry);
  const { problems, errors } = runPlanned(graph, loadTarget(targetName), { choose });
  const what = `${entry} for ${targetName} of\n${print(graph)}`;
  expect(problems, what).toEqual([]);
  // A model without parameters has an update that does nothing.
  if (graph.outputs.length + graph.updates.length > 0) expect(errors.size, what).toBeGreaterThan(0);
  for (const [name, error] of errors) expect(error, `${name}, ${what}`).toBeLessThan(tolerance);
};

test("every op that a model file can call is sure to come", () => {
  const called = [...ops.values()].filter((d) => !d.inner).map((d) => d.name);
  expect(opsThatCome.toSorted()).toEqual(called.sort());
});

describe("computes what its definition says", () => {
  test.each(opsThatCome)(
    "%s",
    (op) => {
      const anywhere = fc.constantFrom(...targetNames);
      fc.assert(
        fc.property(withEntry(networks(op)), anywhere, ({ network, entry }, target) => holds(network, entry, target)),
        settings(8),
      );
    },
    timeout,
  );

  test.each(targetNames)(
    "networks for %s",
    (target) => {
      fc.assert(
        fc.property(withEntry(networks()), ({ network, entry }) => holds(network, entry, target)),
        settings(10),
      );
    },
    timeout,
  );

  test.each(["portable", "lavapipe"])(
    "sums of thousands of terms for %s",
    (target) => {
      fc.assert(
        fc.property(longSums, (network) => holds(network, "gradientsFromCotangent", target)),
        settings(3),
      );
    },
    timeout,
  );
});

describe("under the lowest memory limit, in slices of the batch and by second runs, the numbers are the same", () => {
  test.each(["portable", "lavapipe", "wasm"])(
    "%s",
    (name) => {
      const target = loadTarget(name);
      let [sliced, smaller] = [0, 0];
      const property = fc.property(withEntry(batches), ({ network, entry }) => {
        const graph = entryOf(network, entry);
        const free = runPlanned(graph, target);
        const limited = runPlanned(graph, target, { memoryLimit: { bytes: 1, orSmallest: true } });
        const what = `${entry} for ${name} of\n${print(graph)}`;
        expect(limited.problems, what).toEqual([]);
        expect(limited.plan.arenaBytes, what).toBeLessThanOrEqual(free.plan.arenaBytes);
        expect(limited.outputs, what).toEqual(free.outputs);
        expect(limited.states, what).toEqual(free.states);
        if (limited.fused.groups.length > free.fused.groups.length) sliced++;
        if (limited.plan.arenaBytes < free.plan.arenaBytes) smaller++;
      });
      fc.assert(property, settings(runs));
      expect(sliced).toBeGreaterThan(runs / 10);
      expect(smaller).toBeGreaterThan(runs / 5);
    },
    timeout,
  );
});

/** Where a slice by itself would add in another order than the whole, or bind too much, it is not made. */
test.each(["portable", "lavapipe", "wasm", "few-bindings"])("slices keep the order of sums on %s", (name) => {
  const target = loadTarget(name);
  const few = model([8, 4, 4, 4], (call, x) => {
    x = call("relu", call("conv2d", x, { channels: 16, kernel: 3, padding: 1 }));
    return call("dense", call("dense", call("flatten", x), { units: 2 }), { units: 64 });
  });
  const padded = model([32, 4, 4, 4], (call, x) => {
    x = call("conv2d", call("relu", call("conv2d", x, { channels: 16, kernel: 1, padding: 1 })), {
      channels: 8,
      kernel: 1,
    });
    return call("dense", call("flatten", x), { units: 3 });
  });
  for (const [graph, entry] of [
    [few, "forward"],
    [padded, "step"],
  ] as const)
    for (const bytes of [1, 6000, 40_000]) {
      const built = buildEntries(graph, { velocity: true })[entry]!;
      const free = runPlanned(built, target);
      const limited = runPlanned(built, target, { memoryLimit: { bytes, orSmallest: true } });
      expect(limited.problems).toEqual([]);
      expect(limited.outputs).toEqual(free.outputs);
      expect(limited.states).toEqual(free.states);
    }
});

/** Found by the properties above. */
test("a gradient takes its mask's place though the tile has more rows than there are", () => {
  const network = model([1, 1, 1, 1], (call, x) => {
    x = call("conv2d", x, { channels: 4, kernel: 1 });
    x = call("add", x, {}, { b: call("relu", x) });
    return call("dense", call("flatten", x), { units: 4 });
  });
  const graph = buildEntries(network, { velocity: false }).gradientsFromCotangent;
  const { errors } = runPlanned(graph, loadTarget("portable"));
  for (const [name, error] of errors) expect(error, name).toBeLessThan(tolerance);
});

/** Numbers from which a schedule of any contraction is made. */
const schedules = fc.record({
  tileRows: fc.oneof(small(1, 12), fc.constantFrom(16, 24, 32, 48)),
  unroll: small(1, 20),
  rowBlock: small(1, 9),
  serialRows: fc.boolean(),
  threadRows: small(1, 16),
  threadColumns: small(1, 16),
  /** Bit i: whether the tile runs along the i-th axis of the rows. */
  rowAxes: fc.nat(15),
  innerAxis: fc.nat(3),
});

describe("schedules that can be built compute the same", () => {
  test.each([
    ["broadcast", "lavapipe"],
    ["broadcast", "swiftshader"],
    ["workgroup", "lavapipe"],
    ["workgroup", "portable"],
  ] as const)(
    "%s for %s",
    (transport, name) => {
      const target = loadTarget(name);
      let [wished, built] = [0, 0];
      const property = fc.property(contractions, schedules, (network, wish) => {
        const choose: ScheduleChoice = (c, standard) => {
          const { threadRows, threadColumns, ...tile } = wish;
          const broadcast = {
            threadRows: 1,
            threadColumns: target.subgroupSize!,
            rowAxes: c.rows
              .filter((_, i) => (tile.rowAxes >> i) & 1)
              .map((x) => x.name)
              .join(","),
            innerAxis: c.inner[tile.innerAxis % c.inner.length].name,
          };
          const workgroup = { threadRows, threadColumns, rowAxes: "", innerAxis: "all" };
          const shape = transport === "broadcast" ? broadcast : workgroup;
          const schedule: ContractionSchedule = { ...standard, ...tile, transport, ...shape };
          wished++;
          if (!isValidSchedule(c, schedule, target)) return standard;
          built++;
          return schedule;
        };
        holds(network, "gradientsFromCotangent", name, choose);
      });
      fc.assert(property, settings(8));
      expect(built).toBeGreaterThan(wished / 2);
    },
    timeout,
  );

  const network = modelOf({
    shape: [2, 8, 6, 6],
    body: [],
    head: [{ op: "dense", wish: { units: 8, bias: true } }],
  });
  const compileWith = (name: string, changes: Partial<ContractionSchedule>) => () => {
    const choose: ScheduleChoice = (_, standard) => ({ ...standard, ...changes }) as ContractionSchedule;
    return runPlanned(buildEntries(network, { velocity: false }).forward, loadTarget(name), { choose });
  };

  test.each<[target: string, changes: Partial<ContractionSchedule>, problem: string]>([
    ["lavapipe", { tileRows: 0 }, "tileRows is 0, not a positive whole number"],
    ["lavapipe", { unroll: 2.5 }, "unroll is 2.5, not a positive whole number"],
    ["lavapipe", { threadColumns: 4 }, "threadColumns is 4, but the subgroups of lavapipe have 8 lanes"],
    ["lavapipe", { threadRows: 2 }, "threadRows is 2, but a broadcast's tile has one subgroup"],
    ["lavapipe", { innerAxis: "q" }, 'no inner axis is called "q"; there is c'],
    ["lavapipe", { rowAxes: "h" }, 'no axis of the rows is called "h"; there is n'],
    ["portable", { transport: "broadcast" }, "portable has no subgroups of a fixed size to broadcast in"],
    ["portable", { threadRows: 32, threadColumns: 16 }, "512 invocations a workgroup, portable allows 256"],
    ["portable", { unroll: 65 }, "16640 bytes of workgroup memory, portable allows 16384"],
  ])("%s %o cannot be built", (name, changes, problem) => {
    expect(compileWith(name, changes)).toThrow(problem);
  });
});

describe("dropout at rate 0.5", () => {
  const shape = fc.tuple(small(2, 4), small(3, 9), small(7, 9), small(7, 9));
  /** Behind and before layers of one weight a channel, so that the mask stands inside kernels and is still seen. */
  const graphOf = ([n, c, h, w]: [number, number, number, number]) => {
    const scale = { channels: c, groups: c, kernel: 1 };
    const network = model([n, c, h, w], (call, x) => {
      x = call("dropout", call("conv2d", x, scale, { bias: undefined }), { rate: 0.5 });
      return call("conv2d", x, scale, { bias: undefined });
    });
    return buildEntries(network, { velocity: false }).gradientsFromCotangent;
  };
  /** Bits of what is kept. */
  const mask = (data: Float64Array) => [...data].map((v) => (v === 0 ? 0 : 1));

  test.each(["portable", "lavapipe"])(
    "%s: one mask forward and backward, another each step, mean near 1",
    (name) => {
      const run = (graph: Graph, uniforms: { seed: number; step: number }, target = name) =>
        runPlanned(graph, loadTarget(target), { uniforms }).outputs;
      fc.assert(
        fc.property(shape, fc.nat(1000), fc.nat(1000), (dimensions, seed, step) => {
          const graph = graphOf(dimensions);
          const outputs = run(graph, { seed, step });
          const kept = mask(outputs.get("output")!);
          expect(mask(outputs.get("grad.input")!)).toEqual(kept);
          // What is kept is doubled: the mean of the factors, within five deviations.
          const mean = (2 * kept.filter(Boolean).length) / kept.length;
          expect(Math.abs(mean - 1)).toBeLessThan(5 / Math.sqrt(kept.length));
          const next = mask(run(graph, { seed, step: step + 1 }).get("output")!);
          const changed = kept.filter((bit, i) => bit !== next[i]).length / kept.length;
          expect(Math.abs(2 * changed - 1)).toBeLessThan(5 / Math.sqrt(kept.length));
          // The mask is the element's, whatever the target makes of layout and lanes.
          expect(mask(run(graph, { seed, step }, "swiftshader").get("output")!)).toEqual(kept);
        }),
        settings(4),
      );
    },
    timeout,
  );
});
