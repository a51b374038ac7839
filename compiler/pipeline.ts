/** The passes in order, for one entry point: graph -> expr -> fused -> kernels -> plan. */
import type { Target } from "../runtime/program/schema.ts";
import type { ExprProgram } from "./ir/expr.ts";
import type { FusedProgram } from "./ir/fused.ts";
import type { Graph, Update } from "./ir/graph.ts";
import type { Kernel } from "./ir/kernel.ts";
import type { Plan } from "./ir/plan.ts";
import type { Value } from "./ir/types.ts";
import { exprProblems } from "./ir/verifyExpr.ts";
import { fusedProblems } from "./ir/verifyFused.ts";
import { verifyGraph } from "./ir/verifyGraph.ts";
import { verifyKernel } from "./ir/verifyKernel.ts";
import { type Algorithm, algorithm, type TileChoice } from "./passes/algorithm.ts";
import { mergeCommonDefinitions } from "./passes/commonDefinitions.ts";
import { removeDeadDefinitions } from "./passes/deadDefinitions.ts";
import { fitBindings } from "./passes/fitBindings.ts";
import { fitTextures } from "./passes/fitTextures.ts";
import { foldConstants } from "./passes/foldConstants.ts";
import { fusion } from "./passes/fusion.ts";
import { layout } from "./passes/layout.ts";
import { lower } from "./passes/lower.ts";
import { orderKernels } from "./passes/order.ts";
import { type Pass, pipeline, runPipeline } from "./passes/pass.ts";
import { type MemoryLimit, type Rematerialised, rematerialise } from "./passes/rematerialise.ts";
import { residues } from "./passes/residues.ts";
import { splitReductions } from "./passes/splitReductions.ts";
import { checkPlan } from "./plan/check.ts";
import { planMemory } from "./plan/plan.ts";
import type { PlanProblem } from "./plan/problem.ts";
import { type ScheduleChoice, scheduleProgram } from "./schedule/index.ts";
import type { ScheduleMemo } from "./schedule/memo.ts";

/** What a listener sees after each pass; kernels and plans have no common type with programs. */
export type StageResult = Graph | ExprProgram | FusedProgram | readonly Kernel[] | Plan;

/** What passes know beside the program. */
interface Context {
  readonly target: Target;
  readonly choose?: ScheduleChoice;
  /** Of entry points that are compiled for the same target, by the same choice. */
  readonly memo?: ScheduleMemo;
  /** Which rewritings of contractions are allowed; "auto" where not said. */
  readonly algorithm?: Algorithm;
  readonly chooseTile?: TileChoice;
  /** What the plan may take; as much as it comes to where not said. */
  readonly memoryLimit?: MemoryLimit;
}

export interface PipelineOptions extends Context {
  readonly onPass?: (name: string, result: StageResult) => void;
  /** Check after every pass that what it made is right; throws InvalidStage where it is not. */
  readonly verify?: boolean;
}

export interface CompiledEntry {
  readonly graph: Graph;
  readonly expr: ExprProgram;
  readonly fused: FusedProgram;
  readonly problem: PlanProblem;
  readonly plan: Plan;
  /** What a limit on memory has cost; absent where there is none. */
  readonly recomputation?: Recomputation;
}

/** Second runs of kernels, and operations executed as a multiple of those without a limit. */
export type Recomputation = Pick<Rematerialised, "again" | "operations">;

/** A pass that gives index expressions. */
const expr = <In, Out extends ExprProgram>(
  name: string,
  summary: string,
  run: (program: In, context: Context) => Out,
): Pass<In, Out, Context> => ({ name, summary, run, problems: exprProblems });

const toExpr = pipeline<Graph, Context>()
  .add(expr("lower", "Ops become the index expressions that define them.", lower))
  .add(expr("fold-constants", "Arithmetic on constants is done now.", foldConstants))
  .add(expr("common-definitions", "Equal definitions are kept once.", mergeCommonDefinitions))
  .add(expr("dead-definitions", "What nothing reads is dropped.", removeDeadDefinitions));

const toFused = pipeline<ExprProgram, Context>()
  .add(expr("residues", "Sums over positions that must divide evenly run over those alone.", residues))
  .add(
    expr(
      "algorithm",
      "Convolutions become transforms and batched contractions where that costs less.",
      (program: ExprProgram, { target, algorithm: wanted = "auto", chooseTile }) =>
        algorithm(program, target, { algorithm: wanted, chooseTile }),
    ),
  )
  .add(
    expr(
      "split-reductions",
      "Long sums with few results become partial sums, added in fixed order.",
      (program: ExprProgram, { target }) => splitReductions(program, target),
    ),
  )
  .add(
    expr(
      "fit-bindings",
      "Definitions that read more tensors than a kernel may bind are cut.",
      (program: ExprProgram, { target }) => fitBindings(program, target),
    ),
  )
  .add(expr("layout", "Every value gets its physical order: channels innermost.", layout))
  .add({
    name: "fusion",
    summary: "Definitions are grouped, each group to become one kernel.",
    run: (program, { target }) => fusion(program, target),
    problems: fusedProblems,
  });

/** Kernels, and what the plan has to know about the values between them. */
interface Scheduled {
  readonly fused: FusedProgram;
  readonly problem: PlanProblem;
  readonly recomputation?: Recomputation;
}

const kernelsOf = ({ problem }: Scheduled): readonly Kernel[] => problem.kernels;

const withKernels = (s: Scheduled, kernels: readonly Kernel[]): Scheduled => ({
  ...s,
  problem: { ...s.problem, kernels },
});

const kernelProblems = ({ problem: { kernels, updates, target } }: Scheduled): string[] => {
  const storageOf = storages(updates);
  return kernels.flatMap((kernel) => verifyKernel(kernel, target, { strict: true, storageOf }));
};

const toPlan = pipeline<FusedProgram, Context>()
  .add({
    name: "schedule",
    summary: "Groups become loop nests.",
    run: schedule,
    problems: kernelProblems,
    shows: kernelsOf,
  })
  .add({
    name: "order",
    summary: "Kernels get an order that keeps few bytes alive.",
    run: (s: Scheduled) => withKernels(s, orderKernels(s.problem)),
    shows: kernelsOf,
  })
  .add({
    name: "fit-textures",
    summary: "Operands are read from textures as far as memory allows.",
    run: (s: Scheduled, { target, choose, memo }) =>
      withKernels(s, fitTextures(s.problem, { program: s.fused, target, choose, memo })),
    problems: kernelProblems,
    shows: kernelsOf,
  })
  .add({
    name: "rematerialise",
    summary: "Under a limit on memory, values are made again rather than kept.",
    run: underLimit,
    problems: kernelProblems,
    shows: kernelsOf,
  })
  .add({
    name: "plan",
    summary: "Every value gets an offset in the arena.",
    run: (s: Scheduled) => ({ ...s, plan: planMemory(s.problem) }),
    problems: ({ plan, problem }) => checkPlan(plan, problem),
    shows: ({ plan }) => plan,
  });

/** The passes from ops to a plan in order; the dumps name them so. */
export const passes: readonly { readonly name: string; readonly summary: string }[] = [toExpr, toFused, toPlan].flatMap(
  (part) => part.passes,
);

/** All passes over the graph of one entry point. */
export function compileEntry(graph: Graph, { onPass, verify, ...context }: PipelineOptions): CompiledEntry {
  const options = { verify, onPass: onPass as ((name: string, result: unknown) => void) | undefined };
  if (verify) verifyGraph(graph);
  const expr = runPipeline(toExpr, graph, context, options);
  const fused = runPipeline(toFused, expr, context, options);
  return { graph, expr, ...runPipeline(toPlan, fused, context, options) };
}

function schedule(fused: FusedProgram, { target, choose, memo }: Context): Scheduled {
  const external = fused.inputs.filter((i) => i.kind === "labels" || i.kind === "pictures").map((i) => i.value);
  const problem: PlanProblem = {
    kernels: scheduleProgram({ program: fused, target, choose, memo }),
    inputs: fused.inputs.map((i) => i.value).filter((v) => !external.includes(v)),
    outputs: fused.outputs.map((o) => o.value),
    states: fused.states.map((s) => s.value),
    updates: fused.updates,
    external,
    batch: fused.inputs[0]?.value.type.shape[0] ?? 1,
    target,
  };
  return { fused, problem };
}

function underLimit(s: Scheduled, { memoryLimit }: Context): Scheduled {
  if (!memoryLimit) return s;
  const { problem, originals, ...recomputation } = rematerialise(s.problem, memoryLimit);
  const layouts = new Map(s.fused.layouts);
  for (const [copy, original] of originals) {
    const layout = layouts.get(original);
    if (layout) layouts.set(copy, layout);
  }
  return { fused: { ...s.fused, layouts }, problem, recomputation };
}

/** The storage of a value: all versions of a state have the first one's. */
function storages(updates: readonly Update[]): (value: Value) => Value {
  const previous = new Map(updates.map(({ state, next }) => [next, state]));
  return (value) => {
    for (let old = previous.get(value); old; old = previous.get(value)) value = old;
    return value;
  };
}
