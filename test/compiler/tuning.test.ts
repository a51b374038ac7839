/** What is tuned and how it is chosen, without a device: identity of contractions, candidates, cost, records. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileGraph } from "../../compiler/compileGraph.ts";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import { buildEntries } from "../../compiler/passes/entries.ts";
import {
  candidateChecksum,
  candidates,
  distance,
  scheduleKey,
  scheduleSpaces,
} from "../../compiler/schedule/candidates.ts";
import type { Contraction } from "../../compiler/schedule/contraction.ts";
import { byCost, costModel, mostCode } from "../../compiler/schedule/cost.ts";
import { contractionHash, contractionSize, fromPlaces, toPlaces } from "../../compiler/schedule/identity.ts";
import { contractionOf, type ScheduleChoice } from "../../compiler/schedule/index.ts";
import { bestMeasurement, choiceFrom, type Measurement, type TuningRecord } from "../../compiler/schedule/records.ts";
import {
  type ContractionSchedule,
  defaultSchedule,
  scheduleProblems,
  textureBytesOf,
} from "../../compiler/schedule/tile.ts";
import { loadTarget, targets } from "../../compiler/target/targets.ts";
import { parse } from "../../compiler/text/parse.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { readFile } from "../frontend/read.ts";
import { model, runProgram } from "../kernel/models.ts";

const lavapipe = loadTarget("lavapipe");

/** The contractions of an entry point by the names of their groups. */
function contractionsIn(program: FusedProgram): Map<string, Contraction> {
  return new Map(
    program.groups.flatMap((group) => {
      const c = contractionOf(group, program);
      return c ? [[group.name, c] as const] : [];
    }),
  );
}

function contractionsOf(path: string, batch: number, target: Target): Map<string, Contraction> {
  const { model: compiled } = compileGraph(readFile(path, { batch }), {
    target,
    entries: ["step"],
    algorithm: "direct",
  });
  return contractionsIn(compiled.entries.step!.fused);
}

const lenet = contractionsOf("models/lenet.ts", 8, lavapipe);
const alexnet = contractionsOf("models/alexnet.ts", 64, lavapipe);

// ---------------------------------------------------------------- identity

interface Sizes {
  readonly batch?: number;
  readonly channels?: number;
  readonly size?: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly layout?: string;
  readonly epilogue?: (sum: string, bias: string) => string;
}

/** A convolution as fused text, its axes and values named as wished. */
function convolution(names: string, sizes: Sizes = {}): Contraction {
  const [n, o, h, w, c, p, q, x, weight, bias, y] = names.split(" ");
  const { batch = 2, channels = 8, size = 9, kernel = 3, stride = 1, padding = 0, layout = "nhwc" } = sizes;
  const { epilogue = (sum, b) => `${sum} + ${b}` } = sizes;
  const out = Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const at = (axis: string, k: string) => `${stride === 1 ? axis : `${stride}*${axis}`} + ${k}`;
  const [row, column] = [at(h, p), at(w, q)].map((i) => (padding > 0 ? `${i} - ${padding}` : i));
  const read =
    padding > 0
      ? `(%${x}[${n}, ${c}, ${row}, ${column}] where ${[row, column].map((i) => `${i} >= 0 and ${i} <= ${size - 1}`).join(" and ")})`
      : `%${x}[${n}, ${c}, ${row}, ${column}]`;
  const text = `fused m train
image [4, ${size}, ${size}] mean [0, 0, 0, 0] std [1, 1, 1, 1]

input %${x}: f32[${batch},4,${size},${size}] layout nhwc
parameter %${weight}: f32[${channels},4,${kernel},${kernel}] layout hwcn = xavier
parameter %${bias}: f32[${channels}] = constant 0

group g over (${n}<${batch}, ${o}<${channels}, ${h}<${out}, ${w}<${out}) from conv2d {
  sum: f32 = sum over (${c}<4, ${p}<${kernel}, ${q}<${kernel}) of ${read} * %${weight}[${o}, ${c}, ${p}, ${q}]
  store %${y}[${n}, ${o}, ${h}, ${w}]: f32[${batch},${channels},${out},${out}] layout ${layout} = ${epilogue("sum", `%${bias}[${o}]`)}
}

output output = %${y}
`;
  const program = parse(text) as FusedProgram;
  return contractionOf(program.groups[0], program)!;
}

const usual = "n o h w c p q input conv2d_1.weight conv2d_1.bias conv2d_1";

describe("the hash of a contraction", () => {
  test("does not depend on names", () => {
    const other = convolution("image channel row column from y x picture filter offset result");
    expect(contractionHash(other)).toBe(contractionHash(convolution(usual)));
    expect(other.rows.map((x) => x.name)).not.toEqual(convolution(usual).rows.map((x) => x.name));
  });

  test("is the same wherever in a network, and however much was compiled before", () => {
    expect(contractionHash(lenet.get("conv2d_conv2d_2")!)).toBe(
      contractionHash(contractionsOf("models/lenet.ts", 8, lavapipe).get("conv2d_conv2d_2")!),
    );
  });

  test.each<[string, Sizes]>([
    ["batch", { batch: 3 }],
    ["channels", { channels: 12 }],
    ["size", { size: 10 }],
    ["kernel", { kernel: 2 }],
    ["stride", { stride: 2 }],
    ["guards", { padding: 1 }],
    ["layout of the output", { layout: "nchw" }],
    ["epilogue", { epilogue: (sum, bias) => `max(${sum} + ${bias}, 0.0)` }],
    ["constants of the epilogue", { epilogue: (sum, bias) => `${sum} * 0.5 + ${bias}` }],
  ])("depends on the %s", (_, sizes) => {
    expect(contractionHash(convolution(usual, sizes))).not.toBe(contractionHash(convolution(usual)));
  });

  test("tells all contractions of AlexNet apart but for equal ones", () => {
    const hashes = new Map([...alexnet].map(([name, c]) => [name, contractionHash(c)]));
    expect(new Set(hashes.values()).size).toBe(hashes.size);
  });
});

test("schedules by place fit any contraction of the same hash", () => {
  const [one, other] = [convolution(usual), convolution("a b d e f g i x w v y")];
  const schedule = defaultSchedule(one, lavapipe);
  const placed = toPlaces(one, schedule);
  expect(placed.rowAxes).toMatch(/^r\d(,r\d)*$/);
  expect(placed.innerAxis).toMatch(/^k\d$/);
  expect(fromPlaces(one, placed)).toEqual(schedule);
  expect(fromPlaces(other, placed)).toEqual(defaultSchedule(other, lavapipe));
  const portable = loadTarget("portable");
  expect(toPlaces(one, defaultSchedule(one, portable)).innerAxis).toBe("all");
});

test("sizes are told as rows, columns and terms", () => {
  expect(contractionSize(alexnet.get("conv2d_conv2d_2")!)).toBe("30976 x 192 x 2400");
  expect(contractionSize(alexnet.get("dense_dense_3_sum_partial")!)).toBe("4 of 64 x 10 x 1024");
});

// ---------------------------------------------------------------- candidates

describe("candidates", () => {
  test.each([...targets.keys()])("for %s can be built, are distinct, and hold the default", (name) => {
    const target = targets.get(name)!;
    for (const [group, c] of lenet) {
      const all = candidates(c, target);
      expect(all.length, group).toBeGreaterThan(10);
      expect(new Set(all.map(scheduleKey)).size, group).toBe(all.length);
      expect(all.filter((s) => scheduleProblems(c, s, target).length > 0)).toEqual([]);
      expect(all.map(scheduleKey), group).toContain(scheduleKey(defaultSchedule(c, target)));
    }
  });

  test("keep to what the target has", () => {
    const c = lenet.get("conv2d_conv2d_2")!;
    const transports = (target: Target) => new Set(candidates(c, target).map((s) => s.transport));
    expect(transports(lavapipe)).toEqual(new Set(["broadcast", "workgroup"]));
    expect(transports({ ...lavapipe, features: [] })).toEqual(new Set(["workgroup"]));
    expect(transports({ ...lavapipe, subgroupSize: null })).toEqual(new Set(["workgroup"]));
    const threads = (s: ContractionSchedule) => s.threadRows * s.threadColumns;
    const portable = candidates(c, loadTarget("portable"));
    expect(Math.max(...portable.map(threads))).toBe(256);
  });

  const networks = {
    convolution: model([2, 4, 7, 6], (call, x) => {
      x = call("relu", call("conv2d", x, { channels: 8, kernel: 3, padding: 1 }));
      return call("dense", call("flatten", x), { units: 5 });
    }),
    strided: model([2, 3, 9, 9], (call, x) => {
      x = call("conv2d", x, { channels: 6, kernel: [3, 2], stride: 2, padding: [1, 0] });
      return call("dense", call("flatten", x), { units: 8 });
    }),
  };
  test.each(["lavapipe", "swiftshader", "portable"])(
    "any of them computes the same on %s",
    (name) => {
      const target = loadTarget(name);
      const graphs = Object.values(networks).map((graph) => buildEntries(graph, { velocity: true }).step!);
      fc.assert(
        fc.property(fc.nat(graphs.length - 1), fc.infiniteStream(fc.nat()), (which, picks) => {
          const choose: ScheduleChoice = (c) => {
            const all = candidates(c, target);
            return all[picks.next().value % all.length];
          };
          const { problems, errors } = runProgram(graphs[which], target, { choose });
          expect(problems).toEqual([]);
          for (const [value, error] of errors) expect(error, `%${value}`).toBeLessThan(1e-11);
        }),
        { numRuns: 6, seed: 1 },
      );
    },
    120_000,
  );

  test("a checksum tells sets of candidates apart", () => {
    const c = lenet.get("conv2d_conv2d_2")!;
    const sum = candidateChecksum(c, lavapipe);
    expect(candidateChecksum(convolution("a b d e f g i x w v y"), lavapipe)).toBe(
      candidateChecksum(convolution(usual), lavapipe),
    );
    expect(candidateChecksum(c, lavapipe)).toBe(sum);
    expect(candidateChecksum(c, loadTarget("swiftshader"))).not.toBe(sum);
    expect(candidateChecksum(c, { ...lavapipe, subgroupSize: 16 })).not.toBe(sum);
    expect(candidateChecksum(c, { ...lavapipe, features: [] })).not.toBe(sum);
    const { limits } = lavapipe;
    expect(candidateChecksum(c, { ...lavapipe, limits: { ...limits, maxBufferSize: 1024 } })).not.toBe(sum);
    // The adapter's name is a part of the record's key already.
    expect(candidateChecksum(c, { ...lavapipe, name: "another" })).toBe(sum);
  });

  test("spaces say the values of each parameter", () => {
    const [space] = scheduleSpaces(lenet.get("conv2d_conv2d_2")!, lavapipe);
    expect(Object.keys(space).sort()).toEqual(
      Object.keys(defaultSchedule(lenet.get("conv2d_conv2d_2")!, lavapipe)).sort(),
    );
  });
});

test("the distance of schedules counts the parameters that differ", () => {
  const a = { tileRows: 4, unroll: 2, rowAxes: "r0" };
  expect(distance(a, { ...a })).toBe(0);
  expect(distance(a, { ...a, unroll: 3 })).toBe(1);
  expect(distance(a, { ...a, unroll: 3, storageA: "texture" })).toBe(2);
});

// ---------------------------------------------------------------- cost

/** The default without textures. */
const inBuffers = (c: Contraction): ContractionSchedule => defaultSchedule(c, lavapipe, 0);

describe("cost", () => {
  /** The second convolution of AlexNet, whose schedules were measured one by one on lavapipe. */
  const c = alexnet.get("conv2d_conv2d_2")!;
  const tile = (tileRows: number, unroll: number, more: Partial<ContractionSchedule> = {}): ContractionSchedule =>
    ({ ...inBuffers(c), tileRows, unroll, rowBlock: 4, ...more }) as ContractionSchedule;
  const cost = costModel(c, lavapipe);

  test("orders tiles on lavapipe as measurement did", () => {
    const best = cost(tile(32, 4)).time;
    expect(cost(tile(16, 4)).time).toBeGreaterThan(best * 1.1);
    expect(cost(tile(32, 8)).time).toBeGreaterThan(best * 1.1);
    expect(cost(tile(32, 1)).time).toBeGreaterThan(best * 1.1);
    expect(cost(tile(8, 4)).time).toBeGreaterThan(cost(tile(16, 4)).time);
    // A row block that fits no registers spills at every step.
    expect(cost(tile(32, 4, { rowBlock: 8 })).time).toBeGreaterThan(best);
    const workgroup = defaultSchedule(c, loadTarget("portable"));
    expect(cost(workgroup).time).toBeGreaterThan(2 * best);
  });

  test("textures are cheap on lavapipe, with a long turn, and dear on SwiftShader", () => {
    const textures = { storageA: "texture", storageB: "texture" } as const;
    expect(cost(tile(32, 16, textures)).time).toBeLessThan(0.85 * cost(tile(32, 4)).time);
    expect(cost(tile(32, 16, textures)).time).toBeLessThan(cost(tile(32, 4, textures)).time);
    const swiftshader = costModel(c, loadTarget("swiftshader"));
    const four = { threadColumns: 4 };
    expect(swiftshader(tile(16, 4, { ...four, ...textures })).time).toBeGreaterThan(
      swiftshader(tile(16, 4, four)).time,
    );
    expect(swiftshader(tile(32, 4, four)).time).toBeGreaterThan(0.95 * swiftshader(tile(16, 4, four)).time);
  });

  test("rows of padding are paid for", () => {
    // 5 x 5 pixels of 8 pictures are 200 rows, of 10 pictures 250: four tiles of 64 either way, but five or seven of 40.
    const of = (batch: number, tileRows: number) => {
      const small = convolution(usual, { batch, size: 7, channels: 64 });
      return costModel(small, lavapipe)({ ...inBuffers(small), tileRows, unroll: 4, rowBlock: 4 }).time;
    };
    expect(of(8, 64)).toBe(of(10, 64));
    expect(of(8, 40)).toBeLessThan(of(10, 40));
    expect(of(8, 40)).toBeLessThan(of(8, 64));
  });

  test("guards that are the same for a tile spare its turns", () => {
    // With rows along the batch alone, a border pixel of a padded convolution skips the taps outside.
    const padded = convolution(usual, { batch: 32, size: 4, padding: 1, channels: 32 });
    const [batch, ...others] = padded.rows.map((x) => x.name);
    const model = costModel(padded, lavapipe);
    const base = { ...inBuffers(padded), tileRows: 32, unroll: 4, rowBlock: 4 };
    expect(model({ ...base, rowAxes: batch }).time).toBeLessThan(
      0.8 * model({ ...base, rowAxes: [batch, ...others].join(",") }).time,
    );
  });

  test("is an order: cheapest first, too much code last", () => {
    const all = candidates(c, lavapipe);
    const ranked = byCost(c, all, lavapipe);
    expect(new Set(ranked)).toEqual(new Set(all));
    const costs = ranked.map(cost);
    expect(mostCode(c)).toBe(4000);
    const within = costs.filter(({ code }) => code <= 4000);
    expect(within.length).toBeGreaterThan(100);
    expect(costs.slice(0, within.length)).toEqual(within);
    expect(within.map(({ time }) => time)).toEqual(within.map(({ time }) => time).sort((x, y) => x - y));
  });

  test("a small contraction is not worth a long compilation", () => {
    const small = lenet.get("dense_dense_2")!;
    const [best] = byCost(small, candidates(small, lavapipe), lavapipe);
    expect(mostCode(small)).toBeLessThan(500);
    expect(costModel(small, lavapipe)(best).code).toBeLessThan(500);
  });

  test("thinks well of the defaults, which were measured", () => {
    for (const [name, each] of alexnet) {
      const costOf = costModel(each, lavapipe);
      const [best] = byCost(each, candidates(each, lavapipe), lavapipe);
      expect(costOf(best).time / costOf(defaultSchedule(each, lavapipe)).time, name).toBeGreaterThan(0.7);
    }
  });
});

// ---------------------------------------------------------------- records

const here = { adapter: "llvmpipe on a processor", driver: "Mesa 25.0.7" };

function recordFor(c: Contraction, measurements: Measurement[], more: Partial<TuningRecord> = {}): TuningRecord {
  return {
    ...here,
    contraction: contractionHash(c),
    candidates: candidateChecksum(c, lavapipe),
    kernel: c.group.name,
    size: contractionSize(c),
    measurements,
    rejections: [],
    ...more,
  };
}

describe("records", () => {
  const c = convolution(usual);
  const standard = defaultSchedule(c, lavapipe);
  const other: ContractionSchedule = { ...standard, tileRows: 8, unroll: 2 };
  const third: ContractionSchedule = { ...standard, tileRows: 12, unroll: 1 };
  const measured = (s: ContractionSchedule, ms: number, repeats = 3): Measurement => ({
    schedule: toPlaces(c, s),
    ms,
    defaultMs: 10,
    repeats,
    clock: "timestamps",
  });

  test("the best is what the most careful measurement says", () => {
    const lucky = [measured(other, 5, 1), measured(third, 8, 3), measured(other, 9, 7)];
    expect(bestMeasurement(recordFor(c, lucky))).toEqual(measured(third, 8, 3));
    // Of equals the last counts.
    const again = [measured(other, 5, 3), measured(other, 9, 3)];
    expect(bestMeasurement(recordFor(c, again))?.ms).toBe(9);
  });

  test("the default stays where nothing is faster by more than repeats scatter", () => {
    expect(bestMeasurement(recordFor(c, []))).toBeUndefined();
    expect(bestMeasurement(recordFor(c, [measured(other, 9.9)]))).toBeUndefined();
    expect(bestMeasurement(recordFor(c, [measured(other, 12)]))).toBeUndefined();
  });

  test("what was refused never wins, whatever its time", () => {
    const rejections = [{ schedule: toPlaces(c, other), reason: "wrong numbers" }];
    const record = recordFor(c, [measured(other, 1), measured(third, 8)], { rejections });
    expect(bestMeasurement(record)?.ms).toBe(8);
  });

  const chosen = (records: TuningRecord[], adapter = here, textureBytes = Number.POSITIVE_INFINITY) => {
    const { choose, use } = choiceFrom(records, adapter, lavapipe);
    const schedule = choose(c, defaultSchedule(c, lavapipe, textureBytes), textureBytes);
    const counts = { tuned: use.tuned.size, kept: use.kept.size, stale: use.stale.size };
    return { schedule, ...counts };
  };

  test("the choice is the best measured, by place", () => {
    const record = recordFor(convolution("a b d e f g i x w v y"), [measured(other, 5)]);
    expect(chosen([record])).toEqual({ schedule: other, tuned: 1, kept: 0, stale: 0 });
  });

  test("nothing known, or known of another adapter: the default", () => {
    const record = recordFor(c, [measured(other, 5)]);
    const none = { schedule: standard, tuned: 0, kept: 0, stale: 0 };
    expect(chosen([])).toEqual(none);
    expect(chosen([{ ...record, adapter: "SwiftShader" }])).toEqual(none);
    expect(chosen([{ ...record, contraction: "0" }])).toEqual(none);
    expect(chosen([recordFor(c, [measured(other, 11)])])).toEqual({ ...none, kept: 1 });
  });

  test("another driver or other candidates make a record stale", () => {
    const record = recordFor(c, [measured(other, 5)]);
    const stale = { schedule: standard, tuned: 0, kept: 0, stale: 1 };
    expect(chosen([record], { ...here, driver: "Mesa 26" })).toEqual(stale);
    expect(chosen([{ ...record, candidates: "0" }])).toEqual(stale);
    // What was measured since counts.
    expect(chosen([{ ...record, candidates: "0" }, record])).toMatchObject({ schedule: other, stale: 0 });
  });

  test("where textures would take too much memory, the best of those with less", () => {
    const textures = { ...other, unroll: 4, storageA: "texture", storageB: "texture" } as ContractionSchedule;
    const oneTexture = { ...textures, storageB: "buffer" } as ContractionSchedule;
    const bytes = textureBytesOf(c, oneTexture);
    const record = recordFor(c, [measured(textures, 5), measured(oneTexture, 6), measured(other, 8)]);
    expect(chosen([record]).schedule).toEqual(textures);
    expect(chosen([record], here, bytes).schedule).toEqual(oneTexture);
    expect(chosen([record], here, bytes - 1).schedule).toEqual(other);
    // What is taken instead of the default may itself be the best measured.
    const small = defaultSchedule(c, lavapipe, 0);
    const withSmall = { ...record, measurements: [...record.measurements, measured(small, 7)] };
    expect(chosen([withSmall], here, 0).schedule).toEqual(small);
  });

  test("a schedule that cannot be built is not chosen", () => {
    const impossible = { ...other, threadColumns: 5 };
    const record = recordFor(c, [measured(impossible, 5)]);
    expect(chosen([record])).toEqual({ schedule: standard, tuned: 0, kept: 0, stale: 1 });
  });
});
