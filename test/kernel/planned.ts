/** Entry points run as the runtime runs them, without a GPU: kernels in the plan's order, values where the plan puts them. */
import { interpretKernel } from "../../compiler/interpret/interpretKernel.ts";
import type { ExprProgram } from "../../compiler/ir/expr.ts";
import type { Graph } from "../../compiler/ir/graph.ts";
import { elementCount, type Value } from "../../compiler/ir/types.ts";
import { verifyKernel } from "../../compiler/ir/verifyKernel.ts";
import type { TileChoice } from "../../compiler/passes/algorithm.ts";
import type { MemoryLimit } from "../../compiler/passes/rematerialise.ts";
import { type CompiledEntry, compileEntry } from "../../compiler/pipeline.ts";
import { placesOf, textureAt } from "../../compiler/plan/bindings.ts";
import { checkPlan } from "../../compiler/plan/check.ts";
import { evaluate, type Uniforms } from "../../compiler/reference/evaluate.ts";
import type { ScheduleChoice } from "../../compiler/schedule/index.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { bindingsFor, difference, fromMemory, toMemory, uniforms as usual } from "./models.ts";

export interface PlannedRun extends CompiledEntry {
  /** What verifyKernel says of the kernels, with all stores proved inside, and checkPlan of the plan. */
  readonly problems: readonly string[];
  /** Of every value when it is stored, and of outputs and states at the end: the difference to the float64 reference. */
  readonly errors: ReadonlyMap<string, number>;
  /** By name, row-major. */
  readonly outputs: ReadonlyMap<string, Float64Array>;
  /** By the state's name: what it is at the end, row-major. */
  readonly states: ReadonlyMap<string, Float64Array>;
}

interface Options {
  readonly choose?: ScheduleChoice;
  readonly uniforms?: Uniforms;
  readonly chooseTile?: TileChoice;
  readonly memoryLimit?: MemoryLimit;
}

/** Compiles an entry point's graph for a target and runs it on the numbers that `bindingsFor` draws. */
export function runPlanned(graph: Graph, target: Target, { uniforms = {}, ...options }: Options = {}): PlannedRun {
  // The ops' own definitions are the reference, before any pass has touched them.
  let definitions: ExprProgram | undefined;
  const onPass = (name: string, result: unknown) => {
    if (name === "lower") definitions = result as ExprProgram;
  };
  const entry = compileEntry(graph, { target, onPass, verify: options.memoryLimit !== undefined, ...options });
  const { fused, plan, problem } = entry;
  const { layouts } = fused;
  const numbers = { ...usual, ...uniforms };
  const bindings = bindingsFor(graph);
  const expected = evaluate(definitions!, bindings, numbers);

  const memoryOf = planned(entry);
  const read = (value: Value) => fromMemory(memoryOf(value), value, layouts);
  for (const [value, data] of bindings) memoryOf(value).set(toMemory(data, value, layouts));
  const errors = new Map<string, number>();
  const compare = (what: string, value: Value) => {
    const reference = expected.get(value);
    if (reference) errors.set(what, difference(read(value), reference));
  };
  const gpuTextures: Float64Array[] = [];
  plan.dispatches.forEach(({ kernel, reads, writes }, i) => {
    if (!kernel) {
      const { gpuTexture, source } = plan.textures.find((t) => t.value === writes[0])!;
      if (source !== reads[0]) throw new Error(`%${writes[0].name} is no copy of %${reads[0].name}`);
      gpuTextures[gpuTexture] = memoryOf(source).slice();
      return;
    }
    const textureOf = textureAt(plan, i);
    const memory = kernel.buffers.map(({ name, value, storage }) => {
      const found = storage === "texture" ? gpuTextures[textureOf(value).gpuTexture] : memoryOf(value);
      return [name, found] as const;
    });
    interpretKernel(kernel, new Map(memory), numbers);
    for (const value of writes) compare(`%${value.name} from ${kernel.name}`, value);
  });
  for (const { name, value } of fused.outputs) compare(`output ${name}`, value);
  for (const { state, next } of fused.updates) compare(`state ${state.name}`, next);

  const previous = new Map(fused.updates.map(({ state, next }) => [next, state]));
  const storageOf = (value: Value): Value => (previous.has(value) ? storageOf(previous.get(value)!) : value);
  return {
    ...entry,
    problems: [
      ...problem.kernels.flatMap((k) => verifyKernel(k, target, { strict: true, storageOf })),
      ...checkPlan(plan, problem),
    ],
    errors,
    outputs: new Map(fused.outputs.map(({ name, value }) => [name, read(value)])),
    states: new Map(fused.updates.map(({ state, next }) => [state.name, read(next)])),
  };
}

/** The memory of each value: a slice of an arena, of which all is NaN at first, or the storage of a state or an input. */
function planned({ plan, problem }: CompiledEntry): (value: Value) => Float64Array {
  const placeOf = placesOf(plan, problem);
  const arenas = plan.arenas.map((bytes) => new Float64Array(bytes / 4).fill(Number.NaN));
  const slices = new Map<string, Float64Array>();
  return (value) => {
    const place = placeOf(value);
    const count = elementCount(value.type.shape);
    const name = place.kind === "arena" ? `${place.arena}:${place.offset}` : placeName(place);
    const key = `${name}:${count}`;
    let slice = slices.get(key);
    if (!slice) {
      const from = place.kind === "arena" ? place.offset / 4 : 0;
      slice = place.kind === "arena" ? arenas[place.arena].subarray(from, from + count) : new Float64Array(count);
      slices.set(key, slice);
    }
    return slice;
  };
}

const placeName = (place: { kind: "state"; state: Value } | { kind: "external"; value: Value }): string =>
  place.kind === "state" ? `state ${place.state.name}` : `external ${place.value.name}`;
