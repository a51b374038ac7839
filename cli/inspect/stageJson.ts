/** Stages as JSON, for programs that look at them: what there is and how it hangs together, without the arithmetic. */
import type { Definition, ExprProgram } from "../../compiler/ir/expr.ts";
import type { FusedProgram, Group } from "../../compiler/ir/fused.ts";
import type { Graph, Node } from "../../compiler/ir/graph.ts";
import type { Axis } from "../../compiler/ir/index.ts";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import { formatType, type Value } from "../../compiler/ir/types.ts";

type Program = Graph | ExprProgram | FusedProgram;

const tensor = ({ name, type }: Value) => ({ name, type: formatType(type) });
const axes = (list: readonly Axis[]) => list.map(({ name, extent }) => ({ name, extent }));
const names = (v: Value | readonly Value[]) => (Array.isArray(v) ? v.map(({ name }) => name) : (v as Value).name);

const common = (program: Program) => ({
  stage: program.stage,
  name: program.name,
  mode: program.mode,
  classes: program.classes ?? null,
  inputs: program.inputs.map(({ value, kind }) => ({ kind, ...tensor(value) })),
  states: program.states.map(({ value, role }) => ({ role, ...tensor(value) })),
  outputs: program.outputs.map(({ name, value }) => ({ name, value: value.name })),
  updates: program.updates.map(({ state, next }) => ({ state: state.name, next: next.name })),
});

const node = ({ op, inputs, options, outputs, location }: Node) => ({
  op,
  inputs: Object.fromEntries(Object.entries(inputs).flatMap(([name, v]) => (v ? [[name, names(v)]] : []))),
  options,
  outputs: Object.fromEntries(Object.entries(outputs).map(([name, v]) => [name, tensor(v)])),
  location: location ?? null,
});

const definition = ({ op, outputs, axes: domain, reduction, location, algorithm }: Definition) => ({
  op,
  algorithm: algorithm ?? "direct",
  outputs: outputs.map(tensor),
  axes: axes(domain),
  reduction: reduction ? { combiner: reduction.combiner, axes: axes(reduction.axes) } : null,
  location: location ?? null,
});

const group = ({ name, axes: domain, steps, ops, locations, algorithm }: Group) => ({
  name,
  axes: axes(domain),
  ops,
  algorithm: algorithm ?? "direct",
  reductions: steps.flatMap((s) => (s.kind === "reduce" ? [{ combiner: s.combiner, axes: axes(s.axes) }] : [])),
  stores: steps.flatMap((s) => (s.kind === "store" ? [tensor(s.value)] : [])),
  locations,
});

export function programToJson(program: Program): unknown {
  if (program.stage === "expr") return { ...common(program), definitions: program.definitions.map(definition) };
  if (program.stage === "fused") return { ...common(program), groups: program.groups.map(group) };
  return { ...common(program), nodes: program.nodes.map(node) };
}

export const kernelsToJson = (kernels: readonly Kernel[]): unknown =>
  kernels.map((kernel) => ({
    name: kernel.name,
    workgroups: kernel.workgroups,
    workgroupSize: kernel.workgroupSize,
    schedule: kernel.schedule,
    ops: kernel.ops,
    algorithm: kernel.algorithm ?? "direct",
    operations: kernel.operations,
    executedOperations: kernel.executedOperations ?? kernel.operations,
    buffers: kernel.buffers.map((b) => ({
      name: b.name,
      ...{
        value: b.value.name,
        type: formatType(b.value.type),
        reads: b.reads,
        writes: b.writes,
        storage: b.storage ?? "buffer",
      },
    })),
    locations: kernel.locations,
  }));
