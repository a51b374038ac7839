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
import { residues } from "./passes/residues.ts";
import { splitReductions } from "./passes/splitReductions.ts";
import { checkPlan } from "./plan/check.ts";
import { planMemory } from "./plan/plan.ts";
import type { PlanProblem } from "./plan/problem.ts";
import { type ScheduleChoice, scheduleProgram } from "./schedule/index.ts";

/** What a listener sees after each pass; kernels and plans have no common type with programs. */
export type StageResult = Graph | ExprProgram | FusedProgram | readonly Kernel[] | Plan;

export interface PipelineOptions {
  readonly target: Target;
  readonly choose?: ScheduleChoice;
  /** Which rewritings of contractions are allowed; "auto" where not said. */
  readonly algorithm?: Algorithm;
  readonly chooseTile?: TileChoice;
  readonly onPass?: (name: string, result: StageResult) => void;
  /** Check after every pass that what it made is right; throws InvalidStage where it is not. */
  readonly verify?: boolean;
}

/** A pass has made something that breaks its stage's rules: a fault of the compiler. */
export class InvalidStage extends Error {
  override readonly name = "InvalidStage";

  constructor(
    readonly pass: string,
    readonly problems: readonly string[],
  ) {
    super(`what ${pass} made is not valid:\n  ${problems.join("\n  ")}`);
  }
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
  { name: "algorithm", summary: "Convolutions become transforms and batched contractions where that costs less." },
  { name: "split-reductions", summary: "Long sums with few results become partial sums, added in fixed order." },
  { name: "fit-bindings", summary: "Definitions that read more tensors than a kernel may bind are cut." },
  { name: "layout", summary: "Every value gets its physical order: channels innermost." },
  { name: "fusion", summary: "Definitions are grouped, each group to become one kernel." },
  { name: "schedule", summary: "Groups become loop nests." },
  { name: "order", summary: "Kernels get an order that keeps few bytes alive." },
  { name: "fit-textures", summary: "Operands are read from textures as far as memory allows." },
  { name: "plan", summary: "Every value gets an offset in the arena." },
] as const;

type PassName = (typeof passes)[number]["name"];

export function compileEntry(graph: Graph, options: PipelineOptions): CompiledEntry {
  const { target, choose, chooseTile, onPass, verify = false, algorithm: wanted = "auto" } = options;
  const seen = <T extends StageResult>(name: PassName, result: T, problemsOf: (result: T) => string[]): T => {
    onPass?.(name, result);
    const problems = verify ? problemsOf(result) : [];
    if (problems.length > 0) throw new InvalidStage(name, problems);
    return result;
  };
  const pass = (name: PassName, result: ExprProgram): ExprProgram => seen(name, result, exprProblems);
  if (verify) verifyGraph(graph);
  const lowered = pass("lower", lower(graph));
  const folded = pass("fold-constants", foldConstants(lowered));
  const common = pass("common-definitions", mergeCommonDefinitions(folded));
  const expr = pass("dead-definitions", removeDeadDefinitions(common));
  const whole = pass("residues", residues(expr));
  const chosen = pass("algorithm", algorithm(whole, target, { algorithm: wanted, chooseTile }));
  const split = pass("split-reductions", splitReductions(chosen, target));
  const fitted = pass("fit-bindings", fitBindings(split, target));
  const laidOut = layout(fitted);
  pass("layout", laidOut);
  const fused = seen("fusion", fusion(laidOut, target), fusedProblems);
  const storageOf = storages(fused.updates);
  const kernelProblems = (all: readonly Kernel[]) =>
    all.flatMap((kernel) => verifyKernel(kernel, target, { strict: true, storageOf }));
  const scheduling = { program: fused, target, choose };
  const kernels = seen("schedule", scheduleProgram(scheduling), kernelProblems);
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
  const ordered = { ...problem, kernels: seen("order", orderKernels(problem), () => []) };
  const placed = { ...ordered, kernels: seen("fit-textures", fitTextures(ordered, scheduling), kernelProblems) };
  const plan = seen("plan", planMemory(placed), (made) => checkPlan(made, placed));
  return { graph, expr, fused, problem: placed, plan };
}

/** The storage of a value: all versions of a state have the first one's. */
function storages(updates: readonly Update[]): (value: Value) => Value {
  const previous = new Map(updates.map(({ state, next }) => [next, state]));
  return (value) => {
    for (let old = previous.get(value); old; old = previous.get(value)) value = old;
    return value;
  };
}
