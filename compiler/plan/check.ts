/**
 * Whether a plan is right, found out by running it: memory is a list of ranges and who owns them, and each dispatch reads
 * and writes them. Shares nothing with the planner, not even the rule of sizes; lifetimes come from what the dispatches do.
 */

import { isCovered, shareRows, wholeOf } from "../ir/parts.ts";
import {
  type Plan,
  type PlanBuffer,
  type PlanCopy,
  type PlanDispatch,
  type PlanTexture,
  stepName,
} from "../ir/plan.ts";
import type { Value } from "../ir/types.ts";
import type { PlanProblem } from "./problem.ts";

/** Everything that is wrong with the plan, a sentence each; empty where it is right. */
export function checkPlan(plan: Plan, problem: PlanProblem): string[] {
  return [
    ...checkDispatches(plan, problem),
    ...checkBuffers(plan, problem),
    ...checkMemory(plan, problem),
    ...checkTextures(plan),
    ...checkStates(plan, problem),
    ...checkBindings(plan, problem),
    ...checkTotals(plan, problem),
  ];
}

const bytes = (value: Value): number => 4 * value.type.shape.reduce((product, extent) => product * extent, 1);
const end = (b: PlanBuffer): number => b.offset + b.size;
const overlap = (a: PlanBuffer, b: PlanBuffer): boolean => a.offset < end(b) && b.offset < end(a);
const declared = ({ kernel }: PlanDispatch | PlanCopy, written: Value, read: Value): boolean =>
  kernel?.inPlace.some(([w, r]) => w === written && r === read) ?? false;
/** The copy that step i finds of a value in a texture. */
const copyAt = (plan: Plan, source: Value, i: number): PlanTexture | undefined =>
  plan.textures.find((t) => t.source === source && t.start <= i && i < t.end);

/** Every kernel once, and of each what its buffers say that it reads and writes. */
function checkDispatches(plan: Plan, problem: PlanProblem): string[] {
  const wrong: string[] = [];
  const planned = plan.dispatches.map((d) => d.kernel);
  for (const kernel of problem.kernels) {
    const times = planned.filter((k) => k === kernel).length;
    if (times !== 1) wrong.push(`kernel ${kernel.name} is dispatched ${times} times`);
  }
  plan.dispatches.forEach(({ kernel, reads, writes }, i) => {
    if (!kernel) {
      if (!plan.textures.some((t) => t.value === writes[0] && t.source === reads[0]))
        wrong.push(`%${reads[0].name} is copied to %${writes[0].name}, which is no texture for it`);
      return;
    }
    if (!problem.kernels.includes(kernel)) wrong.push(`kernel ${kernel.name} is not the problem's`);
    for (const [verb, listed, access] of [
      ["reads", reads, kernel.buffers.filter((b) => b.reads)],
      ["writes", writes, kernel.buffers.filter((b) => b.writes)],
    ] as const) {
      const actual = new Set(access.map((b) => (b.storage && copyAt(plan, b.value, i)?.value) ?? b.value));
      for (const v of actual)
        if (!listed.includes(v)) wrong.push(`${kernel.name} ${verb} %${v.name}, which its dispatch does not list`);
      for (const v of listed)
        if (!actual.has(v)) wrong.push(`${kernel.name}'s dispatch lists %${v.name}, which the kernel never ${verb}`);
    }
    for (const b of kernel.buffers)
      if (b.storage === "texture" && !copyAt(plan, b.value, i))
        wrong.push(`${kernel.name} reads %${b.value.name} from a texture, but there is none with it by then`);
  });
  return wrong;
}

/** Each value of the arena has one buffer of its size, aligned, inside one GPU buffer that the target allows. */
function checkBuffers(plan: Plan, problem: PlanProblem): string[] {
  const wrong: string[] = [];
  const { limits } = problem.target;
  const apart = new Set<Value>([...problem.states, ...problem.updates.map((u) => u.next), ...problem.external]);
  const used = plan.dispatches.flatMap((d) => d.kernel?.buffers.map((b) => b.value) ?? []);
  for (const value of new Set([...problem.inputs, ...problem.outputs, ...used])) {
    const count = plan.buffers.filter((b) => b.value === value).length;
    const expected = apart.has(value) ? 0 : 1;
    if (count !== expected) wrong.push(`%${value.name} has ${count} buffers in the arena, not ${expected}`);
  }
  const seams = [0];
  for (const size of plan.arenas) {
    seams.push(seams[seams.length - 1] + size);
    if (size > limits.maxBufferSize)
      wrong.push(`an arena of ${size} bytes is over maxBufferSize ${limits.maxBufferSize}`);
    if (size % 256 !== 0) wrong.push(`an arena of ${size} bytes would leave the next unaligned`);
  }
  for (const b of plan.buffers) {
    const name = `%${b.value.name}`;
    if (b.size !== Math.ceil(Math.max(4, bytes(b.value)) / 256) * 256)
      wrong.push(`${name} has ${b.size} bytes for a tensor of ${bytes(b.value)}`);
    if (b.offset < 0 || b.offset % 256 !== 0) wrong.push(`${name} begins at ${b.offset}, which is no multiple of 256`);
    if (bytes(b.value) > limits.maxStorageBufferBindingSize) wrong.push(`${name} is over maxStorageBufferBindingSize`);
    if (end(b) > seams[seams.length - 1]) wrong.push(`${name} ends at ${end(b)}, past the arena`);
    const whole = b.value.part && plan.buffers.find((w) => w.value === b.value.part!.of);
    if (b.value.part) {
      const at = b.value.part.from * (bytes(b.value) / b.value.type.shape[0]);
      if (!whole) wrong.push(`${name} is a part of %${b.value.part.of.name}, which has no buffer`);
      else if (b.offset !== whole.offset + at || end(b) > end(whole))
        wrong.push(`${name} begins at ${b.offset}, not at ${at} of %${whole.value.name}`);
    }
    for (const seam of seams)
      if (b.offset < seam && seam < end(b) && seam < seams[seams.length - 1])
        wrong.push(`${name} straddles two GPU buffers at ${seam}`);
  }
  return wrong;
}

/** Runs the dispatches over the arena: what is read was written and not overwritten since. */
function checkMemory(plan: Plan, problem: PlanProblem): string[] {
  const wrong: string[] = [];
  const place = new Map(plan.buffers.map((b) => [b.value, b]));
  const intact = new Set<Value>();
  const overwrittenBy = new Map<Value, string>();
  /** Of each memory: what of it was written, when for the first time, and the last use of any of it. */
  const written = new Map<Value, readonly Value[]>();
  const start = new Map<Value, number>();
  const lastUse = new Map<Value, number>();
  const use = (value: Value, i: number) => lastUse.set(wholeOf(value), i);

  const write = (b: PlanBuffer, by: string, keep: ReadonlySet<Value>): void => {
    for (const other of plan.buffers) {
      if (wholeOf(other.value) === wholeOf(b.value) || !intact.has(other.value) || !overlap(b, other)) continue;
      if (keep.has(other.value))
        wrong.push(`${by} writes %${b.value.name} over %${other.value.name}, which it writes too`);
      intact.delete(other.value);
      overwrittenBy.set(other.value, `${by} (as %${b.value.name})`);
    }
    intact.add(b.value);
  };
  const read = (value: Value, by: string): void => {
    if (intact.has(value) || isCovered(value, intact)) return;
    const culprit = overwrittenBy.get(value);
    wrong.push(
      `${by} reads %${value.name}, ${culprit ? `which ${culprit} has overwritten` : "which was not written yet"}`,
    );
  };

  const inputs = new Set<Value>();
  for (const value of problem.inputs) {
    const b = place.get(value);
    if (!b) continue;
    write(b, "the run", inputs);
    inputs.add(value);
    written.set(value, [value]);
    start.set(value, 0);
  }
  plan.dispatches.forEach((dispatch, i) => {
    const by = stepName(dispatch);
    const own = new Set(dispatch.writes);
    for (const value of dispatch.reads) {
      if (!place.has(value)) continue;
      if (!own.has(value)) read(value, by);
      use(value, i);
    }
    const done = new Set<Value>();
    for (const value of dispatch.writes) {
      const b = place.get(value);
      if (!b) continue;
      for (const r of dispatch.reads) {
        const other = place.get(r);
        if (r === value || !other || !overlap(b, other)) continue;
        if (b.offset !== other.offset || b.size !== other.size || !declared(dispatch, value, r)) {
          wrong.push(`${by} writes %${value.name} over %${r.name}, which it reads, and not in place`);
        }
      }
      const before = written.get(wholeOf(value)) ?? [];
      if (before.some((other) => shareRows(other, value)))
        wrong.push(`%${value.name} is written a second time by ${by}`);
      written.set(wholeOf(value), [...before, value]);
      if (before.length === 0) start.set(wholeOf(value), i);
      use(value, i);
      write(b, by, done);
      done.add(value);
    }
  });
  const last = Math.max(1, plan.dispatches.length);
  for (const value of problem.outputs) {
    if (!place.has(value)) continue;
    read(value, "whoever takes the outputs");
    use(value, last - 1);
  }
  for (const b of plan.buffers) {
    const from = start.get(wholeOf(b.value));
    const to = (lastUse.get(wholeOf(b.value)) ?? from ?? 0) + 1;
    if (b.start !== from || b.end !== to) {
      wrong.push(`%${b.value.name} lives over [${from}, ${to}), but the plan says [${b.start}, ${b.end})`);
    }
  }
  return wrong;
}

/** Runs the steps over the GPU textures: a kernel finds the copy that it reads, and what a texture holds fits into it. */
function checkTextures(plan: Plan): string[] {
  const wrong: string[] = [];
  const holds = new Map<number, Value>();
  const written = new Map<Value, number>();
  const lastUse = new Map<Value, number>();
  const textureOf = new Map(plan.textures.map((t) => [t.value, t]));
  plan.dispatches.forEach((step, i) => {
    for (const value of step.reads) {
      const texture = textureOf.get(value);
      if (!texture) continue;
      const found = holds.get(texture.gpuTexture);
      if (found !== value)
        wrong.push(
          `${stepName(step)} reads %${value.name}, but its texture holds ${found ? `%${found.name}` : "nothing"}`,
        );
      lastUse.set(value, i);
    }
    for (const value of step.writes) {
      const texture = textureOf.get(value);
      if (!texture) continue;
      if (step.kernel) wrong.push(`${step.kernel.name} writes %${value.name}, which is in a texture`);
      if (written.has(value)) wrong.push(`%${value.name} is copied twice`);
      written.set(value, i);
      holds.set(texture.gpuTexture, value);
    }
  });
  for (const t of plan.textures) {
    const name = `%${t.value.name}`;
    const texels = bytes(t.value) / 16;
    const [width, height] = [Math.min(8192, texels), Math.ceil(texels / 8192)];
    const has = plan.gpuTextures[t.gpuTexture];
    if (!has || has.width < width || has.height < height)
      wrong.push(`${name} has no GPU texture of ${width} x ${height} texels`);
    if (!Number.isInteger(texels) || height > 8192) wrong.push(`${name} of ${bytes(t.value)} bytes fits no texture`);
    if (t.size !== 16 * width * height) wrong.push(`${name} has ${t.size} bytes for ${width} x ${height} texels`);
    const start = written.get(t.value);
    const stop = (lastUse.get(t.value) ?? start ?? 0) + 1;
    if (t.start !== start || t.end !== stop)
      wrong.push(`${name} lives over [${start}, ${stop}), but the plan says [${t.start}, ${t.end})`);
  }
  return wrong;
}

/** Runs the dispatches over the states: each storage holds one version, and whoever reads another comes too late or early. */
function checkStates(plan: Plan, problem: PlanProblem): string[] {
  const wrong: string[] = [];
  const storage = new Map<Value, { current: Value }>();
  for (const state of problem.states) storage.set(state, { current: state });
  const replaced = new Map<Value, Value>();
  for (const { state, next } of problem.updates) {
    const holder = storage.get(state);
    if (!holder) wrong.push(`%${next.name} replaces %${state.name}, which is no state`);
    else if (storage.has(next)) wrong.push(`%${next.name} is two versions`);
    else {
      storage.set(next, holder);
      replaced.set(next, state);
    }
  }
  for (const dispatch of plan.dispatches) {
    const by = stepName(dispatch);
    for (const value of dispatch.reads) {
      const holder = storage.get(value);
      if (!holder || holder.current === value || dispatch.writes.includes(value)) continue;
      wrong.push(`${by} reads %${value.name}, but its storage holds %${holder.current.name} by then`);
    }
    for (const value of dispatch.writes) {
      const holder = storage.get(value);
      if (!holder) continue;
      const old = replaced.get(value);
      if (old === undefined) wrong.push(`${by} writes the state %${value.name}, which is no next version`);
      else if (holder.current !== old)
        wrong.push(`${by} replaces %${old.name}, but the storage holds %${holder.current.name}`);
      for (const r of dispatch.reads) {
        if (r !== value && storage.get(r) === holder && !declared(dispatch, value, r)) {
          wrong.push(
            `${by} reads %${r.name} and writes %${value.name} in the same storage without declaring them in place`,
          );
        }
      }
      holder.current = value;
    }
  }
  for (const { next } of problem.updates) {
    const holder = storage.get(next);
    const later = problem.updates.some((u) => u.state === next);
    if (holder && !later && holder.current !== next) wrong.push(`%${next.name} is never written`);
  }
  return wrong;
}

/** A dispatch binds as many buffers as the target allows, values in one place counted once. */
function checkBindings(plan: Plan, problem: PlanProblem): string[] {
  const most = problem.target.limits.maxStorageBuffersPerShaderStage;
  const versions = new Map(problem.updates.map((u) => [u.next, u.state]));
  const storage = (value: Value): Value => (versions.has(value) ? storage(versions.get(value)!) : value);
  return plan.dispatches.flatMap(({ kernel }) => {
    if (!kernel) return [];
    const buffers = kernel.buffers.filter((b) => b.storage !== "texture");
    const places = new Set(
      buffers.map((b) => plan.buffers.find((p) => p.value === b.value)?.offset ?? storage(b.value)),
    );
    return places.size > most ? [`${kernel.name} binds ${places.size} storage buffers, the target has ${most}`] : [];
  });
}

function checkTotals(plan: Plan, problem: PlanProblem): string[] {
  const wrong: string[] = [];
  const expect = (what: string, said: number, found: number) => {
    if (said !== found) wrong.push(`${what} is ${found}, but the plan says ${said}`);
  };
  const textures = plan.gpuTextures.reduce((sum, { width, height }) => sum + 16 * width * height, 0);
  expect(
    "arenaBytes",
    plan.arenaBytes,
    plan.arenas.reduce((a, b) => a + b, textures),
  );
  expect(
    "persistentBytes",
    plan.persistentBytes,
    problem.states.reduce((sum, s) => sum + Math.max(4, bytes(s)), 0),
  );
  let bound = 0;
  for (let i = 0; i < Math.max(1, plan.dispatches.length); i++) {
    const live = plan.buffers.filter((b) => !b.value.part && b.start <= i && i < b.end);
    const shared = live.filter((b) => takesPlace(b, live, i, plan.dispatches[i]));
    const copies = plan.textures.filter((t) => t.start <= i && i < t.end);
    const sum = (list: readonly { size: number }[]) => list.reduce((total, b) => total + b.size, 0);
    bound = Math.max(bound, sum(live) - sum(shared) + sum(copies));
  }
  expect("lowerBoundBytes", plan.lowerBoundBytes, bound);
  if (plan.arenaBytes < bound) wrong.push(`an arena of ${plan.arenaBytes} bytes can't hold ${bound}`);
  return wrong;
}

/** Whether a value is written at dispatch i into the place of one that dies there. */
const takesPlace = (
  b: PlanBuffer,
  live: readonly PlanBuffer[],
  i: number,
  dispatch: PlanDispatch | PlanCopy | undefined,
): boolean =>
  dispatch?.writes.includes(b.value) === true &&
  live.some((r) => r !== b && r.offset === b.offset && r.end === i + 1 && declared(dispatch, b.value, r.value));
