/** From compiled entry points to the artifact: program.json and the kernels' texts. */
import type {
  Artifact,
  EntryName,
  Program,
  ProgramBinding,
  ProgramDispatch,
  ProgramEntry,
  ProgramState,
  ProgramStep,
  ProgramTensor,
  Target,
} from "../runtime/program/schema.ts";
import { formatVersion, isCopy } from "../runtime/program/schema.ts";
import type { Layout } from "./ir/fused.ts";
import type { Graph } from "./ir/graph.ts";
import type { Value } from "./ir/types.ts";
import { uniformFields } from "./ir/uniforms.ts";
import { KernelTable } from "./kernelTable.ts";
import type { CompiledEntry, PlannedEntry } from "./pipeline.ts";
import { type BufferPlace, placesOf, textureAt } from "./plan/bindings.ts";

export interface ArtifactOptions {
  readonly target: Target;
  readonly algorithm: Program["model"]["algorithm"];
  readonly settings: Program["model"]["settings"];
  readonly velocity: boolean;
  readonly hash: string;
  readonly compiler: string;
}

/** What an artifact is made of. */
export interface PlannedModel {
  /** What all entry points have in common. */
  readonly graph: Omit<Graph, "stage" | "nodes">;
  readonly entries: Partial<Record<EntryName, PlannedEntry>>;
  /** Fills the input from pictures, where there is one. */
  readonly pictures?: PlannedEntry;
}

export interface CompiledModel extends PlannedModel {
  readonly graph: Graph;
  readonly entries: Partial<Record<EntryName, CompiledEntry>>;
  readonly pictures: CompiledEntry;
}

/** The artifact of a compiled model: program.json as data, and the WGSL text of its kernels. */
export function emitArtifact(model: PlannedModel, options: ArtifactOptions): Artifact {
  const kernels = new KernelTable(options.target);
  const entries: Partial<Record<EntryName, ProgramEntry>> = {};
  for (const [name, entry] of Object.entries(model.entries) as [EntryName, PlannedEntry][])
    entries[name] = emitEntry(entry, model.pictures, kernels);
  const { graph } = model;
  const main =
    model.entries.step ??
    (graph.mode === "infer" ? model.entries.forward : undefined) ??
    model.entries.gradientsFromCotangent ??
    Object.values(model.entries)[0];
  const output = graph.outputs.find((o) => o.name === "output")!;
  const program: Program = {
    format: formatVersion,
    compiler: options.compiler,
    model: {
      name: graph.name,
      hash: options.hash,
      mode: graph.mode,
      batch: graph.inputs[0].value.type.shape[0],
      settings: options.settings,
      algorithm: options.algorithm,
      optimizer:
        graph.mode === "train" && graph.classes !== undefined ? { kind: "sgd", velocity: options.velocity } : null,
      classes: graph.classes ?? null,
    },
    target: options.target,
    input: {
      shape: graph.inputs.find((i) => i.kind === "input")!.value.type.shape,
      mean: graph.image.mean,
      std: graph.image.std,
      classNames: null,
    },
    output: { shape: output.value.type.shape },
    state: emitStates(model),
    uniforms: uniformFields,
    kernels: kernels.kernels,
    entries,
    arenaBytes: main.plan.arenaBytes,
    lowerBoundBytes: main.plan.lowerBoundBytes,
    persistentBytes: main.plan.persistentBytes,
  };
  return { program, kernels: kernels.texts };
}

/** States of all entry points, each once; an entry that sees another layout than the others would be a compiler bug. */
function emitStates(model: PlannedModel): ProgramState[] {
  const states = new Map<string, ProgramState>();
  for (const entry of Object.values(model.entries)) {
    for (const { value, role, initializer } of entry.program.states) {
      const layout = entry.program.layouts.get(value)!;
      const known = states.get(value.name);
      if (known && known.layout.join() !== layout.join())
        throw new Error(`%${value.name} is laid out as ${known.layout} and as ${layout}`);
      if (!known) states.set(value.name, { name: value.name, shape: value.type.shape, role, initializer, layout });
    }
  }
  return [...states.values()];
}

function emitSteps(entry: PlannedEntry, kernels: KernelTable): ProgramStep[] {
  const { plan } = entry;
  const placeOf = placesOf(plan, entry.problem);
  const kindOf = new Map(entry.program.inputs.map((i) => [i.value, i.kind]));
  const isUnsized = (value: Value) => kindOf.get(value) === "pictures";
  return plan.dispatches.map((step, i): ProgramStep => {
    if (!step.kernel) return { copy: emitTensor(step.reads[0], placeOf), texture: step.writes[0].name };
    const { kernel } = step;
    const { index, shared } = kernels.add(kernel, { placeOf, textureOf: textureAt(plan, i), isUnsized });
    const bound = shared.map(({ place, buffers }): ProgramBinding => {
      if (place.kind === "texture") return { kind: "texture", name: place.texture.value.name };
      if (place.kind !== "external") return emitTensor(buffers[0].value, placeOf);
      return { kind: kindOf.get(place.value) === "labels" ? "labels" : "pictures" };
    });
    if (kernel.uniforms.length > 0) bound.push({ kind: "uniforms" });
    return { kernel: index, workgroups: kernel.workgroups, bindings: bound };
  });
}

function dispatchOnly(step: ProgramStep): ProgramDispatch {
  if (isCopy(step)) throw new Error(`pictures are put in without textures, but ${step.texture} is to be filled`);
  return step;
}

function emitTensor(value: Value, placeOf: (value: Value) => BufferPlace): ProgramTensor {
  const place = placeOf(value);
  if (place.kind === "external") throw new Error(`%${value.name} is the run's own, and no tensor of the program`);
  return place.kind === "arena" ? { kind: "buffer", name: value.name } : { kind: "state", name: place.state.name };
}

function emitEntry(entry: PlannedEntry, pictures: PlannedEntry | undefined, kernels: KernelTable): ProgramEntry {
  const { plan, program } = entry;
  const layoutOf = (v: Value): Layout => program.layouts.get(v) ?? v.type.shape.map((_, d) => d);
  const inputs: Record<string, string> = {};
  for (const { value, kind } of program.inputs) {
    if (kind === "input" || kind === "cotangent" || kind === "gradient")
      inputs[kind === "gradient" ? `grad.${value.name.replace(/^grad\./, "")}` : kind] = value.name;
  }
  const placed = new Set(plan.buffers.map((b) => b.value));
  const outputs = Object.fromEntries(
    program.outputs.filter((o) => placed.has(o.value)).map((o) => [o.name, o.value.name]),
  );
  return {
    arenas: plan.arenas,
    gpuTextures: plan.gpuTextures,
    arenaBytes: plan.arenaBytes,
    lowerBoundBytes: plan.lowerBoundBytes,
    buffers: plan.buffers.map(({ value, offset, size, start, end }) => ({
      name: value.name,
      type: value.type.dtype,
      shape: value.type.shape,
      layout: layoutOf(value),
      offset,
      size,
      start,
      end,
    })),
    textures: plan.textures.map(({ value, source, gpuTexture, size, start, end }) => ({
      name: value.name,
      shape: value.type.shape,
      layout: layoutOf(source),
      gpuTexture,
      size,
      start,
      end,
    })),
    pictures: pictures && "input" in inputs ? emitSteps(pictures, kernels).map(dispatchOnly) : [],
    dispatches: emitSteps(entry, kernels),
    inputs,
    outputs,
  };
}
