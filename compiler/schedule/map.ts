/**
 * The schedule of everything that is not a contraction: one invocation an output element, or four along the fastest
 * axis of memory; reductions run serially in it, in order. Where a workgroup is one invocation, it runs along the fastest
 * axes in loops, so that what depends on the others is computed once.
 */

import type { Target } from "../../runtime/program/schema.ts";
import { type FusedProgram, type Group, type ReduceStep, type StoreStep, scalarsOf } from "../ir/fused.ts";
import { Axis, Index } from "../ir/index.ts";
import type { Kernel, KernelExpr, Width } from "../ir/kernel.ts";
import * as K from "../ir/kernelExpr.ts";
import { type Local, readsOf, Scalar, type UniformName } from "../ir/scalar.ts";
import { vectorsAreLanes } from "../target/kind.ts";
import { type BufferTable, withStableWidths } from "./buffers.ts";
import { flatGrid } from "./grid.ts";
import { inPlacePairs } from "./inPlace.ts";
import { Nest } from "./nest.ts";
import { guardKey, ScalarEmitter, storeValue, vanishesOutside, withoutGuards } from "./scalars.ts";

/** Reductions of at most so many terms are unrolled: their index arithmetic folds away. */
const unrollLimit = 16;

/** Axes of the group from slowest to fastest in the memory of what it mainly stores. */
function memoryOrder(group: Group, table: BufferTable): { axis: Axis; coefficient: number }[] {
  const main = group.steps.find((s): s is StoreStep => s.kind === "store" && s.axes.length === 0);
  const at = main && table.address(main.value, main.index);
  return group.axes
    .filter((axis) => axis.extent > 1)
    .map((axis) => ({ axis, coefficient: at?.coefficientOf(axis) ?? 0 }))
    .sort((a, b) => b.coefficient - a.coefficient);
}

/**
 * Whether four neighbours can share an invocation: the fastest axis divides by four, no step loops over stores, and no
 * index is computed from data, since that would differ from neighbour to neighbour.
 */
const vectorizable = (group: Group, fastest: { axis: Axis; coefficient: number } | undefined): boolean =>
  fastest !== undefined &&
  fastest.coefficient === 1 &&
  fastest.axis.extent % 4 === 0 &&
  group.steps.every((s) => s.kind === "reduce" || s.axes.length === 0) &&
  group.steps.every((s) =>
    scalarsOf(s)
      .flatMap(readsOf)
      .every((r) => r.index.every((i) => i.dataScalars().length === 0)),
  );

export function scheduleMap(group: Group, program: FusedProgram, target: Target): Kernel {
  return withStableWidths(program.layouts, (table) => build(group, table, target));
}

/** Turns of the loops in an invocation that make up for its index arithmetic, and invocations that keep all threads busy. */
const leastTurns = 16;
const leastInvocations = 64;

/** How many of the fastest axes an invocation runs along, where it is a workgroup of its own. */
function serialAxes(fromFastest: readonly number[], target: Target): number {
  if (!vectorsAreLanes(target)) return 0;
  let invocations = fromFastest.reduce((n, extent) => n * extent, 1);
  let turns = 1;
  let axes = 0;
  while (axes < fromFastest.length && turns < leastTurns && invocations / fromFastest[axes] >= leastInvocations) {
    turns *= fromFastest[axes];
    invocations /= fromFastest[axes];
    axes++;
  }
  return axes;
}

function build(group: Group, table: BufferTable, target: Target): Kernel {
  const ordered = memoryOrder(group, table);
  const vector = vectorizable(group, ordered.at(-1));
  const width: Width = vector ? 4 : 1;
  const elements = group.axes.reduce((n, a) => n * a.extent, 1);
  const extents = ordered.toReversed().map(({ axis }, i) => (i === 0 ? axis.extent / width : axis.extent));
  const serial = serialAxes(extents, target);
  const turns = extents.slice(0, serial).reduce((n, extent) => n * extent, 1);
  const count = elements / width / turns;
  const workgroupSize = Math.min(64, target.limits.maxComputeInvocationsPerWorkgroup, 2 ** Math.ceil(Math.log2(count)));
  const grid = flatGrid(Math.ceil(count / workgroupSize), target.limits.maxComputeWorkgroupsPerDimension);

  const nest = new Nest(target, table.names);
  const flat = new Axis("element", count);
  nest.bind(flat, nest.let("element", K.add(K.multiply(grid.id, workgroupSize), K.builtin("local"))));

  const vectorAxis = vector ? new Axis("lane", 4) : undefined;
  const substitution = new Map<Axis, Index>();
  let stride = 1;
  for (const axis of group.axes) if (axis.extent === 1) substitution.set(axis, Index.of(0));
  const loops: Axis[] = [];
  for (const [i, { axis }] of ordered.toReversed().entries()) {
    const turn = new Axis(axis.name, extents[i]);
    if (i < serial) loops.unshift(turn);
    const position = i < serial ? Index.of(turn) : Index.of(flat).div(stride).mod(extents[i]);
    substitution.set(axis, i === 0 && vectorAxis ? position.times(4).plus(vectorAxis) : position);
    if (i >= serial) stride *= extents[i];
  }

  const uniforms = new Set<UniformName>();
  const locals = new Map<Local, KernelExpr>();
  const steps = (axes: readonly Axis[] = loops): void => {
    const [axis, ...rest] = axes;
    if (axis) return nest.loop(axis, {}, () => steps(rest));
    const emitter = new ScalarEmitter({ nest, table, substitution, vectorAxis, locals, uniforms });
    emitSteps(group, emitter, locals, width);
  };
  if (count % workgroupSize !== 0 || grid.overshoots) {
    const inside = K.lessThan(nest.index(Index.of(flat)), K.int(count));
    nest.if(inside, () => steps());
  } else steps();

  const reductions = group.steps.filter((s): s is ReduceStep => s.kind === "reduce");
  const terms = reductions.reduce((sum, s) => sum + s.axes.reduce((n, a) => n * a.extent, 1), 0);
  return {
    name: group.name,
    workgroupSize,
    workgroups: grid.workgroups,
    buffers: table.buffers(),
    shared: [],
    uniforms: [...uniforms].sort(),
    body: nest.statements,
    schedule: { kind: "map", workgroupSize, vector: width, ...(serial > 0 ? { turns } : {}) },
    locations: group.locations,
    ops: group.ops,
    operations: elements * Math.max(1, terms),
    inPlace: inPlacePairs(group, table),
  };
}

function emitSteps(group: Group, emitter: ScalarEmitter, locals: Map<Local, KernelExpr>, width: Width): void {
  const { nest, table, vectorAxis, substitution } = emitter.context;
  const pending: { step: StoreStep; value: KernelExpr }[] = [];
  for (const step of group.steps) {
    if (step.kind === "reduce") emitReduce(step, emitter, locals, width);
    else if (step.axes.length === 0) pending.push({ step, value: emitter.emit(step.expr) });
    else {
      const loops = (axes: readonly Axis[]): void => {
        const [axis, ...rest] = axes;
        if (axis) return nest.loop(axis, {}, () => loops(rest));
        const inner = emitter.inner({});
        const value = inner.emit(step.expr);
        const at = table.address(
          step.value,
          step.index.map((i) => i.substitute(substitution)),
        );
        storeValue(nest, table, step.value, at, value);
      };
      loops(step.axes);
    }
  }
  // Stores come last: a value stored in place of another must not be read again.
  for (const { step, value } of pending) {
    const at = table.address(
      step.value,
      step.index.map((i) => i.substitute(substitution)),
    );
    storeValue(nest, table, step.value, at, value, vectorAxis);
  }
}

function emitReduce(step: ReduceStep, emitter: ScalarEmitter, locals: Map<Local, KernelExpr>, width: Width): void {
  const { nest } = emitter.context;
  const names = step.results.map((r) => nest.fresh(r.name.replace(/[^A-Za-z0-9]+/g, "_")));
  const isMax = step.combiner !== "sum";
  step.results.forEach((result, i) => {
    const initial = i === 0 && isMax ? -3.4028234663852886e38 : 0;
    const type = { dtype: result.dtype, width } as const;
    nest.push({ kind: "registers", name: names[i], type, shape: [], initial });
    locals.set(result, K.register(names[i], [], result.dtype, width));
  });
  if (step.start) {
    const start = emitter.emit(step.start);
    nest.push({ kind: "assign", register: names[0], index: [], value: width === 4 ? K.splat(start) : start });
  }
  const terms = step.axes.reduce((n, a) => n * a.extent, 1);
  const unroll = terms <= unrollLimit;

  const accumulate = (e: ScalarEmitter, body: Scalar) => {
    const old = locals.get(step.results[0])!;
    if (step.combiner === "sum") {
      const sum = e.emit(Scalar.local(step.results[0]).plus(body));
      nest.push({ kind: "assign", register: names[0], index: [], value: width === 4 ? K.splat(sum) : sum });
      return;
    }
    const value = width === 4 ? K.splat(e.emit(body)) : e.emit(body);
    if (step.combiner === "firstMax") {
      const position = flatPosition(step.axes);
      const at = K.unary("toU32", e.emit(Scalar.index(position)), "u32");
      const better = nest.let("better", K.binary("lt", old, value, "bool"));
      nest.push({
        kind: "assign",
        register: names[1],
        index: [],
        value: K.select(better, width === 4 ? K.splat(at) : at, locals.get(step.results[1])!),
      });
    }
    nest.push({
      kind: "assign",
      register: names[0],
      index: [],
      value: K.binary("max", old, value, step.results[0].dtype),
    });
  };

  const loops = (axes: readonly Axis[]): void => {
    const [axis, ...rest] = axes;
    if (axis) return nest.loop(axis, { unroll }, () => loops(rest));
    const guarded = commonGuard(step, emitter);
    if (guarded) nest.if(nest.conditions(guarded.conditions)!, () => accumulate(emitter.inner({}), guarded.body));
    else accumulate(emitter.inner({}), step.body);
  };
  loops(step.axes);
}

const flatPosition = (axes: readonly Axis[]): Index =>
  axes.reduce((sum, a) => sum.times(a.extent).plus(a), Index.of(0));

/** Where the term counts for nothing unless all guarded reads take place, their guards become an `if`. */
function commonGuard(step: ReduceStep, emitter: ScalarEmitter) {
  const { substitution, vectorAxis } = emitter.context;
  const guarded = readsOf(step.body).filter((r) => r.guard.length > 0);
  if (guarded.length === 0) return undefined;
  const keys = [...new Set(guarded.map(guardKey))];
  const neutral =
    step.combiner === "sum"
      ? keys.every((key) => vanishesOutside(step.body, key))
      : step.body.node.kind === "read" && step.body.node.fill < -3.4e38;
  if (!neutral) return undefined;
  const all = guarded.flatMap((r) => r.guard);
  const conditions = all.map((c) => ({ ...c, index: c.index.substitute(substitution) }));
  if (vectorAxis && conditions.some((c) => c.index.coefficientOf(vectorAxis) !== 0)) return undefined;
  return { conditions, body: withoutGuards(step.body) };
}
