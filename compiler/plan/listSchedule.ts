/** Greedy orders of kernels: of those that may run next, the one that a policy likes best. */
import type { Dataflow } from "./dataflow.ts";

/** What running a kernel now does to the live bytes. */
export interface Effect {
  /** Bytes that appear, values in place of dying ones left out. */
  readonly allocates: number;
  /** Bytes that remain of them afterwards, less those that die: negative where memory is freed. */
  readonly net: number;
}

/** Negative where `a` is to run before `b`; ties go to the order given. */
export type Policy = (a: Effect, b: Effect) => number;

/** Frees most; of equals, allocates least. */
export const freeMost: Policy = (a, b) => a.net - b.net || a.allocates - b.allocates;

/** What frees memory at once, otherwise the order given: weight gradients and updates as soon as they pay. */
export const freeEarly: Policy = (a, b) => {
  const frees = (e: Effect) => (e.net <= 0 ? 0 : 1);
  return frees(a) - frees(b) || (frees(a) === 0 ? a.net - b.net : 0);
};

/** Allocates least, whatever dies. */
export const allocateLeast: Policy = (a, b) => a.allocates - b.allocates || a.net - b.net;

/** How far `lookAhead` looks, and from how many kernels. */
const depth = 8;
const width = 4;

/** Kernels run so far, and what that leaves. */
class Progress {
  readonly ready: number[];
  private readonly waiting: number[];
  private readonly unread: number[];
  /** By kernel, until another reader of what it reads has run: most kernels wait long, and are asked about at each step. */
  private readonly effects: (Effect | undefined)[] = [];

  constructor(private readonly flow: Dataflow) {
    this.waiting = flow.before.map((set) => set.length);
    this.unread = flow.readers.map((readers) => readers.length);
    this.ready = flow.steps.map((_, k) => k).filter((k) => this.waiting[k] === 0);
  }

  effect(k: number): Effect {
    this.effects[k] ??= this.effectNow(k);
    return this.effects[k];
  }

  private effectNow(k: number): Effect {
    const { flow } = this;
    let allocates = 0;
    let net = 0;
    let gone = 0;
    for (const v of flow.writes[k]) {
      allocates += flow.sizes[v];
      if (flow.readers[v].length > 0 || flow.kept[v]) net += flow.sizes[v];
    }
    for (const v of flow.reads[k]) if (this.dies(v)) gone += flow.sizes[v];
    const given = new Set<number>();
    for (const [written, read] of flow.pairs[k]) {
      if (given.has(read) || given.has(written) || !this.dies(read)) continue;
      given.add(read).add(written);
      allocates -= flow.sizes[written];
    }
    return { allocates, net: net - gone };
  }

  private dies(v: number): boolean {
    return this.unread[v] === 1 && !this.flow.kept[v];
  }

  /** Counts k out of, or into, the readers still to come of what it reads. */
  private count(k: number, change: 1 | -1): void {
    for (const v of this.flow.reads[k]) {
      this.unread[v] += change;
      for (const reader of this.flow.readers[v]) this.effects[reader] = undefined;
    }
  }

  run(k: number): void {
    this.ready.splice(this.ready.indexOf(k), 1);
    this.count(k, -1);
    for (const next of this.flow.after[k]) if (--this.waiting[next] === 0) this.ready.push(next);
  }

  /** Takes back `run(k)`, the latest that was not yet taken back. */
  undo(k: number): void {
    for (const next of this.flow.after[k]) {
      if (this.waiting[next]++ === 0) this.ready.splice(this.ready.indexOf(next), 1);
    }
    this.count(k, 1);
    this.ready.push(k);
  }

  /** The ready kernels that the policy likes best, at most `count`. */
  best(policy: Policy, count: number): number[] {
    const effects = this.ready.map((k) => ({ k, effect: this.effect(k) }));
    if (count === 1) {
      const rank = (a: (typeof effects)[0], b: (typeof effects)[0]) => policy(a.effect, b.effect) || a.k - b.k;
      return effects.length === 0 ? [] : [effects.reduce((a, b) => (rank(b, a) < 0 ? b : a)).k];
    }
    return effects
      .sort((a, b) => policy(a.effect, b.effect) || a.k - b.k)
      .slice(0, count)
      .map(({ k }) => k);
  }
}

/** The order that a policy gives. Throws where the kernels wait for one another in a circle. */
export const listSchedule = (flow: Dataflow, policy: Policy): number[] =>
  schedule(flow, (progress) => progress.best(policy, 1)[0]);

/**
 * The order in which each kernel is the one that, followed by a few more by `freeMost`, reaches the lowest valley of
 * live bytes over the lowest peak.
 */
export const lookAhead = (flow: Dataflow): number[] =>
  schedule(flow, (progress) => {
    const candidates = progress.best(freeMost, width);
    if (candidates.length <= 1) return candidates[0];
    const outcomes = candidates.map((k) => ({ k, ...explore(progress, k) }));
    return outcomes.reduce((a, b) => (b.peak < a.peak || (b.peak === a.peak && b.valley < a.valley) ? b : a)).k;
  });

/** Highest live bytes on the way from running k to the lowest point within `depth` kernels, relative to now. */
function explore(progress: Progress, k: number): { peak: number; valley: number } {
  let live = 0;
  let highest = 0;
  let outcome = { peak: Number.POSITIVE_INFINITY, valley: Number.POSITIVE_INFINITY };
  const done: number[] = [];
  for (let next: number | undefined = k; next !== undefined && done.length < depth; ) {
    const { allocates, net } = progress.effect(next);
    highest = Math.max(highest, live + allocates);
    live += net;
    progress.run(next);
    done.push(next);
    if (live < outcome.valley) outcome = { peak: highest, valley: live };
    next = progress.best(freeMost, 1)[0];
  }
  while (done.length > 0) progress.undo(done.pop()!);
  return outcome;
}

function schedule(flow: Dataflow, choose: (progress: Progress) => number | undefined): number[] {
  const progress = new Progress(flow);
  const order: number[] = [];
  for (let k = choose(progress); k !== undefined; k = choose(progress)) {
    progress.run(k);
    order.push(k);
  }
  if (order.length < flow.steps.length) {
    const left = flow.steps.filter((_, k) => !order.includes(k)).map((kernel) => kernel.name);
    throw new Error(`plan: these kernels wait for one another: ${left.slice(0, 8).join(", ")}`);
  }
  return order;
}
