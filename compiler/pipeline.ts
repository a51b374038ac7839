/** The passes in order, for one entry point: graph -> expr -> fused -> kernels -> plan. */
import type { Target } from "../runtime/program/schema.ts";
import type { ExprProgram } from "./ir/expr.ts";
import type { FusedProgram } from "./ir/fused.ts";
import type { Graph } from "./ir/graph.ts";
import type { Kernel } from "./ir/kernel.ts";
import type { Plan } from "./ir/plan.ts";
import { mergeCommonDefinitions } from "./passes/commonDefinitions.ts";
import { removeDeadDefinitions } from "./passes/deadDefinitions.ts";
import { fitBindings } from "./passes/fitBindings.ts";
import { foldConstants } from "./passes/foldConstants.ts";
import { fusion } from "./passes/fusion.ts";
import { layout } from "./passes/layout.ts";
import { lower } from "./passes/lower.ts";
import { orderAndPlan } from "./passes/plan.ts";
import { residues } from "./passes/residues.ts";
import { splitReductions } from "./passes/splitReductions.ts";
import type { PlanProblem } from "./plan/problem.ts";
import { type ScheduleChoice, scheduleProgram } from "./schedule/index.ts";

/** What a listener sees after each pass; kernels and plans have no common type with programs. */
export type StageResult = Graph | ExprProgram | FusedProgram | readonly Kernel[] | Plan;

export interface PipelineOptions {
  readonly target: Target;
  readonly choose?: ScheduleChoice;
  readonly onPass?: (name: string, result: StageResult) => void;
}

export interface CompiledEntry {
  readonly graph: Graph;
  readonly expr: ExprProgram;
  readonly fused: FusedProgram;
  readonly problem: PlanProblem;
  readonly plan: Plan;
}

/** The passes from ops to a plan, a line each; `kiln opt --passes list` and the dumps name them so. */
export const passes = [
  { name: "lower", summary: "Ops become the index expressions that define them." },
  { name: "fold-constants", summary: "Arithmetic on constants is done now." },
  { name: "common-definitions", summary: "Equal definitions are kept once." },
  { name: "dead-definitions", summary: "What nothing reads is dropped." },
  { name: "residues", summary: "Sums over positions that must divide evenly run over those alone." },
  { name: "split-reductions", summary: "Long sums with few results become partial sums, added in fixed order." },
  { name: "fit-bindings", summary: "Definitions that read more tensors than a kernel may bind are cut." },
  { name: "layout", summary: "Every value gets its physical order: channels innermost." },
  { name: "fusion", summary: "Definitions are grouped, each group to become one kernel." },
  { name: "schedule", summary: "Groups become loop nests." },
  { name: "order", summary: "Kernels get an order that keeps few bytes alive." },
  { name: "plan", summary: "Every value gets an offset in the arena." },
] as const;

export function compileEntry(graph: Graph, { target, choose, onPass }: PipelineOptions): CompiledEntry {
  const seen = <T extends StageResult>(name: (typeof passes)[number]["name"], result: T): T => {
    onPass?.(name, result);
    return result;
  };
  const lowered = seen("lower", lower(graph));
  const folded = seen("fold-constants", foldConstants(lowered));
  const common = seen("common-definitions", mergeCommonDefinitions(folded));
  const expr = seen("dead-definitions", removeDeadDefinitions(common));
  const whole = seen("residues", residues(expr));
  const split = seen("split-reductions", splitReductions(whole, target));
  const fitted = seen("fit-bindings", fitBindings(split, target));
  const laidOut = seen("layout", layout(fitted));
  const fused = seen("fusion", fusion(laidOut, target));
  const kernels = seen("schedule", scheduleProgram(fused, target, choose));
  const external = fused.inputs.filter((i) => i.kind === "labels" || i.kind === "pictures").map((i) => i.value);
  const problem: PlanProblem = {
    kernels,
    inputs: fused.inputs.map((i) => i.value).filter((v) => !external.includes(v)),
    outputs: fused.outputs.map((o) => o.value),
    states: fused.states.map((s) => s.value),
    updates: fused.updates,
    external,
    batch: fused.inputs[0]?.value.type.shape[0] ?? 1,
    target,
  };
  const planned = orderAndPlan(problem);
  seen("order", planned.problem.kernels);
  return { graph, expr, fused, problem: planned.problem, plan: seen("plan", planned.plan) };
}
