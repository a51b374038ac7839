/** The passes in order, for one entry point: graph -> expr -> fused -> kernels -> plan. */
import type { Target } from "../runtime/program/schema.ts";
import type { ExprProgram, LaidOutProgram } from "./ir/expr.ts";
import type { FusedProgram } from "./ir/fused.ts";
import type { Graph, Update } from "./ir/graph.ts";
import type { KernelProgram, PlannedProgram } from "./ir/kernelProgram.ts";
import type { Plan } from "./ir/plan.ts";
import { type Stage, type StageProgram, stageOf } from "./ir/stage.ts";
import type { Value } from "./ir/types.ts";
import { exprProblems } from "./ir/verifyExpr.ts";
import { fusedProblems } from "./ir/verifyFused.ts";
import { graphProblems, verifyGraph } from "./ir/verifyGraph.ts";
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
import { microbatch } from "./passes/microbatch.ts";
import { orderKernels } from "./passes/order.ts";
import { type Pass, type Pipeline, pipeline, runPipeline } from "./passes/pass.ts";
import { type MemoryLimit, type Recomputation, recomputationIn, rematerialise } from "./passes/rematerialise.ts";
import { residues } from "./passes/residues.ts";
import { splitReductions } from "./passes/splitReductions.ts";
import { checkPlan } from "./plan/check.ts";
import { planMemory } from "./plan/plan.ts";
import { type PlanProblem, planProblem } from "./plan/problem.ts";
import { type ScheduleChoice, scheduleProgram } from "./schedule/index.ts";
import type { ScheduleMemo } from "./schedule/memo.ts";

/** What passes know beside the program. */
export interface PipelineContext {
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

export interface PipelineOptions extends PipelineContext {
  readonly onPass?: (name: string, result: StageProgram) => void;
  /** Check after every pass that what it made is right; throws InvalidStage where it is not. */
  readonly verify?: boolean;
}

/** What the artifact is made of. */
export interface PlannedEntry {
  readonly program: PlannedProgram;
  readonly problem: PlanProblem;
  readonly plan: Plan;
}

export interface CompiledEntry extends PlannedEntry {
  readonly graph: Graph;
  readonly expr: ExprProgram;
  readonly fused: FusedProgram;
  readonly kernels: KernelProgram;
  /** What a limit on memory has cost; absent where there is none. */
  readonly recomputation?: Recomputation;
}

/** A pass that gives index expressions. */
const expr = <In, Out extends ExprProgram>(
  name: string,
  takes: readonly Stage[],
  summary: string,
  run: (program: In, context: PipelineContext) => Out,
): Pass<In, Out, PipelineContext> => ({ name, takes, summary, run, problems: exprProblems });

export const toExpr: Pipeline<Graph, ExprProgram, PipelineContext> = pipeline<Graph, PipelineContext>()
  .add(expr("lower", ["graph", "joint"], "Ops become the index expressions that define them.", lower))
  .add(expr("fold-constants", ["expr"], "Arithmetic on constants is done now.", foldConstants))
  .add(expr("common-definitions", ["expr"], "Equal definitions are kept once.", mergeCommonDefinitions))
  .add(expr("dead-definitions", ["expr"], "What nothing reads is dropped.", removeDeadDefinitions));

export const toLaidOut: Pipeline<ExprProgram, LaidOutProgram, PipelineContext> = pipeline<
  ExprProgram,
  PipelineContext
>()
  .add(expr("residues", ["expr"], "Sums over positions that must divide evenly run over those alone.", residues))
  .add(
    expr(
      "algorithm",
      ["expr"],
      "Convolutions become transforms and batched contractions where that costs less.",
      (program: ExprProgram, { target, algorithm: wanted = "auto", chooseTile }) =>
        algorithm(program, target, { algorithm: wanted, chooseTile }),
    ),
  )
  .add(
    expr(
      "split-reductions",
      ["expr"],
      "Long sums with few results become partial sums, added in fixed order.",
      (program: ExprProgram, { target }) => splitReductions(program, target),
    ),
  )
  .add(
    expr(
      "fit-bindings",
      ["expr"],
      "Definitions that read more tensors than a kernel may bind are cut.",
      (program: ExprProgram, { target }) => fitBindings(program, target),
    ),
  )
  .add(expr("layout", ["expr"], "Every value gets its physical order: channels innermost.", layout));

export const toFused: Pipeline<LaidOutProgram, FusedProgram, PipelineContext> = pipeline<
  LaidOutProgram,
  PipelineContext
>()
  .add({
    name: "fusion",
    takes: ["expr laid out"],
    summary: "Definitions are grouped, each group to become one kernel.",
    run: (program, { target }) => fusion(program, target),
    problems: fusedProblems,
  })
  .add({
    name: "fit-textures",
    takes: ["fused"],
    summary: "Operands are read from textures as far as memory allows.",
    run: fitTextures,
    problems: fusedProblems,
  });

/** What a limit on memory makes of the groups. */
export const toSlices: Pipeline<FusedProgram, FusedProgram, PipelineContext> = pipeline<
  FusedProgram,
  PipelineContext
>().add({
  name: "microbatch",
  takes: ["fused"],
  summary: "Under a limit on memory, large values are made for a few pictures at a time.",
  run: (program, { memoryLimit, ...context }) =>
    memoryLimit ? microbatch(program, { ...context, bytes: memoryLimit.bytes }) : program,
  problems: fusedProblems,
});

export const toKernels: Pipeline<FusedProgram, KernelProgram, PipelineContext> = pipeline<
  FusedProgram,
  PipelineContext
>()
  .add({
    name: "schedule",
    takes: ["fused"],
    summary: "Groups become loop nests.",
    run: (program, context) => scheduleProgram({ ...context, program }),
    problems: kernelProblems,
  })
  .add({
    name: "order",
    takes: ["kernels"],
    summary: "Kernels get an order that keeps few bytes alive.",
    run: (program, { target }) => ({ ...program, kernels: orderKernels(planProblem(program, target)) }),
    problems: kernelProblems,
  })
  .add({
    name: "rematerialise",
    takes: ["kernels"],
    summary: "Under a limit on memory, values are made again rather than kept.",
    run: (program, { target, memoryLimit }) => (memoryLimit ? rematerialise(program, target, memoryLimit) : program),
    problems: kernelProblems,
  });

export const toPlan: Pipeline<KernelProgram, PlannedProgram, PipelineContext> = pipeline<
  KernelProgram,
  PipelineContext
>().add({
  name: "plan",
  takes: ["kernels"],
  summary: "Every value gets an offset in the arena.",
  run: (program, { target }): PlannedProgram => ({
    ...program,
    stage: "plan",
    plan: planMemory(planProblem(program, target)),
  }),
  problems: planProblems,
});

/** All passes over the graph of one entry point. */
export function compileEntry(graph: Graph, { onPass, verify, ...context }: PipelineOptions): CompiledEntry {
  const options = { verify, onPass: onPass as ((name: string, result: unknown) => void) | undefined };
  if (verify) verifyGraph(graph);
  const expr = runPipeline(toExpr, graph, context, options);
  const whole = runPipeline(toLaidOut.then(toFused), expr, context, options);
  const fused = runPipeline(toSlices, whole, context, options);
  const kernels = runPipeline(toKernels, fused, context, options);
  const program = runPipeline(toPlan, kernels, context, options);
  const recomputation =
    context.memoryLimit && recomputationIn(kernels, scheduleProgram({ ...context, program: whole }));
  return { graph, expr, fused, kernels, recomputation, ...plannedEntry(program, context.target) };
}

/** The rest of the passes: from a program as `kiln inspect` shows a stage to its plan. */
export function planProgram(program: StageProgram, context: PipelineContext): PlannedProgram {
  switch (stageOf(program)) {
    case "graph":
    case "joint":
      return runPipeline(
        toExpr.then(toLaidOut).then(toFused).then(toSlices).then(toKernels).then(toPlan),
        program as Graph,
        context,
      );
    case "expr":
      return runPipeline(
        toLaidOut.then(toFused).then(toSlices).then(toKernels).then(toPlan),
        program as ExprProgram,
        context,
      );
    case "expr laid out":
      return runPipeline(toFused.then(toSlices).then(toKernels).then(toPlan), program as LaidOutProgram, context);
    case "fused":
      return runPipeline(toSlices.then(toKernels).then(toPlan), program as FusedProgram, context);
    case "kernels":
      return runPipeline(toPlan, program as KernelProgram, context);
    case "plan":
      return program as PlannedProgram;
  }
}

/** A planned program with what the plan was made from. */
export const plannedEntry = (program: PlannedProgram, target: Target): PlannedEntry => ({
  program,
  problem: planProblem(program, target),
  plan: program.plan,
});

/** What is wrong with a program at whatever stage it is, a sentence each. */
export function programProblems(program: StageProgram, context: PipelineContext): readonly string[] {
  switch (program.stage) {
    case "graph":
    case "joint":
      return graphProblems(program);
    case "expr":
      return exprProblems(program);
    case "fused":
      return fusedProblems(program);
    case "kernels":
      return kernelProblems(program, context);
    case "plan":
      return planProblems(program, context);
  }
}

function kernelProblems({ kernels, updates }: KernelProgram | PlannedProgram, { target }: PipelineContext): string[] {
  const storageOf = storages(updates);
  return kernels.flatMap((kernel) => verifyKernel(kernel, target, { strict: true, storageOf }));
}

function planProblems(program: PlannedProgram, { target }: PipelineContext): readonly string[] {
  return checkPlan(program.plan, planProblem(program, target));
}

/** The storage of a value: all versions of a state have the first one's. */
function storages(updates: readonly Update[]): (value: Value) => Value {
  const previous = new Map(updates.map(({ state, next }) => [next, state]));
  return (value) => {
    for (let old = previous.get(value); old; old = previous.get(value)) value = old;
    return value;
  };
}
