/** limits: what plans within a part of the memory cost, in operations and in time of compiling. */
import { type CompiledEntry, PlanError } from "../../compiler/index.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { formatBytes } from "../../runtime/program/error.ts";
import type { Target } from "../../runtime/program/schema.ts";
import type { BenchOptions, CompilerSuite, Table } from "../suite.ts";
import { atLargestBatch, compileEntryOf, modelsOf, targetsOf, type ZooModel } from "./zoo.ts";

/** A plan within a limit, or where none was found the smallest limit that the compiler names. */
interface LimitFigures {
  /** Of the plan without a limit. */
  readonly part: number;
  readonly limitBytes: number;
  readonly found: { readonly planBytes: number; readonly operations: number } | null;
  readonly smallestLimit: number | null;
  readonly cpuSeconds: number;
}

interface ModelFigures {
  readonly target: string;
  readonly model: string;
  readonly batch: number;
  readonly planBytes: number;
  readonly cpuSeconds: number;
  readonly limits: readonly LimitFigures[];
}

const usualTargets = ["portable"];

export const limitsSuite: CompilerSuite = ({ options, say }) => {
  const models: ModelFigures[] = [];
  const refused: string[] = [];
  const targets = targetsOf(options, usualTargets);
  for (const target of targets) {
    for (const model of modelsOf(options)) {
      const found = atLargestBatch(model, (model) => unlimited(model, target, options));
      if (found instanceof PlanError) {
        refused.push(`${target.name}: ${model.model} has no plan: ${found.message}`);
        continue;
      }
      const { at, ...figures } = found;
      say(`${target.name}: ${model.model}: ${formatBytes(figures.planBytes)}, ${figures.cpuSeconds.toFixed(2)} s`);
      const limits = options.limits.map((part) => {
        const limit = within(at, target, options, { part, limitBytes: Math.floor(part * figures.planBytes) });
        say(
          `  at ${part}: ${limit.found ? formatBytes(limit.found.planBytes) : "no plan"}, ${limit.cpuSeconds.toFixed(2)} s`,
        );
        return limit;
      });
      models.push({ ...figures, limits });
    }
  }
  return {
    summary: [
      "The training step under `--memory-limit`; parts are of the plan (arena and textures) that there is without a " +
        "limit. Operations are those executed, as a multiple of those without a limit. Where no plan was found, the " +
        "smallest limit is the one that the compiler names. Seconds are processor time of compiling the step, the " +
        `least of ${runsOf(options)}, in a process that has compiled it before. Every plan was checked.`,
      `Algorithms of contractions: ${options.algorithm}.`,
      ...refused,
    ],
    tables: targets.flatMap((target) =>
      tableOf(
        target,
        models.filter((model) => model.target === target.name),
      ),
    ),
    charts: [],
    data: { algorithm: options.algorithm, models, refused },
  };
};

/** A limit may take a second or more to meet. */
const runsOf = ({ repeats }: BenchOptions): number => Math.min(repeats, 3);

function unlimited(model: ZooModel, target: Target, options: BenchOptions) {
  const { algorithm } = options;
  compileEntryOf(model, { target, algorithm });
  const { found, cpuSeconds } = timed(runsOf(options), () => compileEntryOf(model, { target, algorithm }));
  check(model, found);
  const { arenaBytes } = found.plan;
  return { target: target.name, model: model.model, batch: model.batch, planBytes: arenaBytes, cpuSeconds, at: model };
}

function within(
  model: ZooModel,
  target: Target,
  options: BenchOptions,
  limit: Pick<LimitFigures, "part" | "limitBytes">,
): LimitFigures {
  const { found, cpuSeconds } = timed(runsOf(options), () => {
    try {
      return compileEntryOf(model, { target, algorithm: options.algorithm, memoryLimit: limit.limitBytes });
    } catch (error) {
      if (error instanceof PlanError && error.smallestLimit !== null) return error.smallestLimit;
      throw error;
    }
  });
  if (typeof found === "number") return { ...limit, found: null, smallestLimit: found, cpuSeconds };
  check(model, found);
  const planBytes = found.plan.arenaBytes;
  if (planBytes > limit.limitBytes)
    throw new Error(`${model.model}: a plan of ${planBytes} bytes under a limit of ${limit.limitBytes}`);
  return {
    ...limit,
    found: { planBytes, operations: found.recomputation!.operations },
    smallestLimit: null,
    cpuSeconds,
  };
}

function check({ model }: ZooModel, { plan, problem }: CompiledEntry): void {
  const problems = checkPlan(plan, problem);
  if (problems.length > 0) throw new Error(`${model}: the plan is wrong: ${problems.join("; ")}`);
}

/** Least processor time of so many runs: steadier than a clock on a machine that others use too. */
function timed<Found>(runs: number, work: () => Found): { readonly found: Found; readonly cpuSeconds: number } {
  let cpuSeconds = Number.POSITIVE_INFINITY;
  for (let run = 1; ; run++) {
    const before = process.cpuUsage();
    const found = work();
    const { user, system } = process.cpuUsage(before);
    cpuSeconds = Math.min(cpuSeconds, (user + system) / 1e6);
    if (run >= runs) return { found, cpuSeconds };
  }
}

// ---------------------------------------------------------------- the report

const mebibytes = (bytes: number): number => bytes / 2 ** 20;

function tableOf(target: Target, models: readonly ModelFigures[]): Table[] {
  if (models.length === 0) return [];
  return [
    {
      title: `Limits on memory, for ${target.name}`,
      columns: [
        ...[{ title: "model" }, { title: "batch" }, { title: "without a limit, MiB", digits: 2 }],
        ...[
          { title: "limit, part", digits: 2 },
          { title: "limit, MiB", digits: 2 },
        ],
        ...[
          { title: "reached, MiB", digits: 2 },
          { title: "operations, times", digits: 3 },
        ],
        ...[
          { title: "smallest limit, MiB", digits: 2 },
          { title: "part", digits: 3 },
        ],
        ...[
          { title: "compiling, s", digits: 2 },
          { title: "without a limit, s", digits: 2 },
        ],
      ],
      rows: models.flatMap((m) =>
        m.limits.map(({ part, limitBytes, found, smallestLimit, cpuSeconds }) => [
          ...[m.model, m.batch, mebibytes(m.planBytes), part, mebibytes(limitBytes)],
          ...(found ? [mebibytes(found.planBytes), found.operations] : [null, null]),
          ...(smallestLimit === null ? [null, null] : [mebibytes(smallestLimit), smallestLimit / m.planBytes]),
          ...[cpuSeconds, m.cpuSeconds],
        ]),
      ),
    },
  ];
}
