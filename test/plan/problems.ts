/** Planning problems for tests: kernels with buffers and no bodies. */
import * as fc from "fast-check";
import type { Kernel } from "../../compiler/ir/kernel.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { elementCount, f32, type Value } from "../../compiler/ir/types.ts";
import { orderKernels } from "../../compiler/passes/order.ts";
import { planMemory } from "../../compiler/plan/plan.ts";
import type { PlanProblem } from "../../compiler/plan/problem.ts";
import { loadTarget } from "../../compiler/target/targets.ts";

export const value = (name: string, ...shape: number[]): Value => ({ name, type: f32(...shape) });

export function kernel(
  name: string,
  reads: readonly Value[],
  writes: readonly Value[],
  inPlace: readonly (readonly [written: Value, read: Value])[] = [],
): Kernel {
  const buffer = (v: Value) => ({
    name: v.name,
    value: v,
    dtype: v.type.dtype,
    width: 1 as const,
    length: elementCount(v.type.shape),
    reads: reads.includes(v),
    writes: writes.includes(v),
  });
  return {
    name,
    workgroupSize: 64,
    workgroups: [1, 1, 1],
    buffers: [...new Set([...reads, ...writes])].map(buffer),
    shared: [],
    uniforms: [],
    body: [],
    schedule: { kind: "map" },
    locations: [],
    ops: [],
    operations: 0,
    inPlace,
  };
}

export function problem(kernels: readonly Kernel[], given: Partial<PlanProblem> = {}): PlanProblem {
  return {
    kernels,
    inputs: [],
    outputs: [],
    states: [],
    updates: [],
    external: [],
    batch: 1,
    target: loadTarget("portable"),
    ...given,
  };
}

/**
 * Training a chain of layers: each forward kernel reads a weight; backward, the input gradient reads the weight and its
 * cotangent (in whose place it may be written), and the weight gradient, fused with the update, writes the weight's next
 * version. The last cotangent is computed from the output and labels.
 *
 * @param activations shape of the input and of what each layer gives
 */
export function trainingChain(
  activations: readonly (readonly number[])[],
  weights: readonly (readonly number[])[],
  given: Partial<PlanProblem> = {},
): PlanProblem {
  const x = activations.map((shape, i) => value(`x${i}`, ...shape));
  const dx = activations.map((shape, i) => value(`dx${i}`, ...shape));
  const w = weights.map((shape, i) => value(`w${i}`, ...shape));
  const next = weights.map((shape, i) => value(`w${i}.next`, ...shape));
  const labels = value("labels", activations[0][0]);
  const last = weights.length;
  const kernels = w.map((weight, i) => kernel(`forward${i}`, [x[i], weight], [x[i + 1]]));
  kernels.push(kernel("loss", [x[last], labels], [dx[last]], [[dx[last], x[last]]]));
  for (let i = last - 1; i >= 0; i--) {
    if (i > 0) kernels.push(kernel(`inputGradient${i}`, [dx[i + 1], w[i], x[i]], [dx[i]]));
    kernels.push(kernel(`update${i}`, [dx[i + 1], x[i], w[i]], [next[i]], [[next[i], w[i]]]));
  }
  return problem(kernels, {
    inputs: [x[0]],
    states: w,
    updates: w.map((state, i) => ({ state, next: next[i] })),
    external: [labels],
    batch: activations[0][0],
    ...given,
  });
}

/** AlexNet's training step at batch n, as fusion leaves it: convolution with relu, pooling with winners, dense layers. */
export function alexNet(n: number, given: Partial<PlanProblem> = {}): PlanProblem {
  type Layer = { pool?: true; out: number[]; weight?: number[] };
  const layers: Layer[] = [
    { out: [96, 54, 54], weight: [96, 3, 11, 11] },
    { out: [96, 26, 26], pool: true },
    { out: [192, 22, 22], weight: [192, 96, 5, 5] },
    { out: [192, 10, 10], pool: true },
    { out: [384, 8, 8], weight: [384, 192, 3, 3] },
    { out: [384, 6, 6], weight: [384, 384, 3, 3] },
    { out: [256, 4, 4], weight: [256, 384, 3, 3] },
    { out: [256, 1, 1], pool: true },
    { out: [4096], weight: [4096, 256] },
    { out: [4096], weight: [4096, 4096] },
    { out: [10], weight: [10, 4096] },
  ];
  const input = value("input", n, 3, 224, 224);
  const labels = value("labels", n);
  const loss = value("loss");
  const kernels: Kernel[] = [];
  const backward: Kernel[] = [];
  const states: Value[] = [];
  const updates: { state: Value; next: Value }[] = [];
  let x = input;
  let dx: Value | undefined;
  layers.forEach(({ out, weight, pool }, i) => {
    const y = value(`y${i}`, n, ...out);
    const dy = value(`dy${i}`, n, ...out);
    if (pool) {
      const winner = value(`winner${i}`, n, ...out);
      kernels.push(kernel(`pool${i}`, [x], [y, winner]));
      // The pool's gradient, behind relu's mask: each element of x is read where its gradient is written.
      backward.unshift(kernel(`poolGradient${i}`, [dy, winner, x], [dx!], [[dx!, x]]));
    } else {
      const w = value(`w${i}`, ...weight!);
      const next = value(`w${i}.next`, ...weight!);
      states.push(w);
      updates.push({ state: w, next });
      kernels.push(kernel(`layer${i}`, [x, w], [y]));
      backward.unshift(kernel(`update${i}`, [dy, x, w], [next], [[next, w]]));
      if (dx) backward.unshift(kernel(`inputGradient${i}`, [dy, w, x], [dx]));
    }
    x = y;
    dx = dy;
  });
  kernels.push(kernel("lossAndGradient", [x, labels], [dx!, loss]));
  return problem([...kernels, ...backward], {
    inputs: [input],
    outputs: [loss],
    states,
    updates,
    external: [labels],
    batch: n,
    ...given,
  });
}

/** Random dataflow with inputs, outputs, states with updates, and in-place pairs; its kernels stand in a valid order. */
export const anyProblem: fc.Arbitrary<PlanProblem> = fc
  .record({
    sizes: fc.array(fc.constantFrom(1, 63, 64, 65, 1000, 4096), { minLength: 1, maxLength: 24 }),
    picks: fc.infiniteStream(fc.nat(1 << 20)),
    states: fc.nat(3),
    inputs: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ sizes, picks, states: stateCount, inputs: inputCount }) => {
    const pick = (below: number): number => picks.next().value % below;
    const inputs = Array.from({ length: inputCount }, (_, i) => value(`input${i}`, sizes[i % sizes.length]));
    const states = Array.from({ length: stateCount }, (_, i) => value(`state${i}`, sizes[i % sizes.length]));
    const current = [...states];
    const updates: { state: Value; next: Value }[] = [];
    const known = [...inputs];
    const outputs: Value[] = [];
    const kernels = sizes.map((size, k) => {
      const reads = new Set(Array.from({ length: pick(4) }, () => known[pick(known.length)]));
      const written = Array.from({ length: 1 + pick(2) }, (_, i) => value(`v${k}.${i}`, size));
      const pairs: [Value, Value][] = [];
      for (const w of written) {
        for (const r of reads) if (elementCount(r.type.shape) === size && pick(2) === 0) pairs.push([w, r]);
        if (pick(6) === 0) outputs.push(w);
      }
      const writes = [...written];
      if (stateCount > 0 && pick(2) === 0) {
        const s = pick(stateCount);
        reads.add(current[s]);
        if (pick(2) === 0) {
          const next = value(`${states[s].name}.k${k}`, ...states[s].type.shape);
          pairs.push([next, current[s]]);
          updates.push({ state: current[s], next });
          writes.push(next);
          current[s] = next;
        }
      }
      known.push(...written);
      return kernel(`k${k}`, [...reads], writes, pairs);
    });
    return problem(kernels, { inputs, states, updates, outputs });
  });

/** Processor time that `work` takes; steadier than a clock on a machine that others use too. */
export function cpuMilliseconds(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Orders a problem's kernels, then plans their memory. */
export function orderAndPlan(problem: PlanProblem): { readonly problem: PlanProblem; readonly plan: Plan } {
  const ordered = { ...problem, kernels: orderKernels(problem) };
  return { problem: ordered, plan: planMemory(ordered) };
}
