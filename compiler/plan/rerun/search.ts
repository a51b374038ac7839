/**
 * Which kernels to run again, so that fewer bytes are alive at once: Checkmate's problem (arXiv 1910.02653, section 4),
 * least cost under a bound at every step. Its integer program is out of reach here; this is a greedy search that frees
 * the most bytes over the bound for what they cost, and then takes back what proves needless. Deterministic.
 */
import { type Copy, costOfReruns, type Lives, livesOf, type RerunFlow } from "./flow.ts";

export interface Found {
  readonly sequence: readonly number[];
  /** Greatest sum of live bytes. */
  readonly peak: number;
  /** Of the second runs. */
  readonly cost: number;
}

/** Runs looked at in one search, in all: a few seconds at most. */
const workLimit = 4e6;

/**
 * A sequence, of the given one and further runs, that keeps at most `bytes` alive; where the search finds none, one with the
 * lowest peak that it came to. `sequence` is valid. `thrifty`: the first that is found is made cheaper.
 */
export function searchReruns(
  flow: RerunFlow,
  sequence: readonly number[],
  bytes: number,
  { thrifty = true }: { readonly thrifty?: boolean } = {},
): Found {
  const search = new Search(flow, bytes);
  const reached = search.descend(sequence);
  if (search.peakOf(reached) > bytes) return search.found(reached);
  const pruned = search.prune(reached);
  return search.found(thrifty ? search.improve(pruned) : pruned);
}

class Search {
  private work = 0;

  constructor(
    private readonly flow: RerunFlow,
    private readonly bytes: number,
  ) {}

  private get spent(): boolean {
    return this.work >= workLimit;
  }

  found(sequence: readonly number[]): Found {
    return { sequence, peak: this.peakOf(sequence), cost: costOfReruns(this.flow, sequence) };
  }

  peakOf = (sequence: readonly number[]): number => this.lives(sequence)?.peak ?? Number.POSITIVE_INFINITY;

  private lives(sequence: readonly number[]): Lives | undefined {
    this.work += sequence.length;
    return livesOf(this.flow, sequence);
  }

  /** Live bytes over the bound, summed over the sequence: what a step down has to lower. */
  private excess = ({ live }: Lives): number => live.reduce((sum, b) => sum + Math.max(0, b - this.bytes), 0);

  /**
   * Adds runs, each time those that lower the excess most for what they cost, until it is gone or nothing does. Of the
   * sequences on the way, the one with the lowest peak.
   */
  descend(from: readonly number[], banned: ReadonlySet<number> = new Set()): readonly number[] {
    let sequence = from;
    let lives = this.lives(sequence)!;
    let lowest = { sequence, peak: lives.peak };
    for (let excess = this.excess(lives); excess > 0 && !this.spent; ) {
      let best: { sequence: readonly number[]; lives: Lives; excess: number; worth: number } | undefined;
      const before = costOfReruns(this.flow, sequence);
      for (const candidate of this.candidates(sequence, lives, banned)) {
        const then = this.lives(candidate);
        if (!then) continue;
        const left = this.excess(then);
        if (left >= excess) continue;
        const worth = (excess - left) / (1 + Math.max(0, costOfReruns(this.flow, candidate) - before));
        if (!best || worth > best.worth) best = { sequence: candidate, lives: then, excess: left, worth };
      }
      if (!best) break;
      ({ sequence, lives, excess } = best);
      if (lives.peak < lowest.peak) lowest = { sequence, peak: lives.peak };
    }
    return lowest.sequence;
  }

  /** Sequences in which something that lies idle where too much is alive is made a second time for its next reader. */
  private candidates(sequence: readonly number[], lives: Lives, banned: ReadonlySet<number>): (readonly number[])[] {
    const found = new Map<string, readonly number[]>();
    const { flow } = this.flow;
    lives.copies.forEach((copy) => {
      if (flow.writer[copy.value] < 0) return;
      // Between which two uses of it is too much alive?
      const uses = [copy.start, ...copy.readers];
      uses.slice(1).forEach((use, i) => {
        let over = false;
        for (let t = uses[i] + 1; t < use && !over; t++) over = lives.live[t] > this.bytes;
        if (!over) return;
        for (const depth of [0, 1, 2, 4, 8, 16]) {
          const runs = this.again(copy, use, depth, lives, banned, sequence);
          if (!runs) continue;
          const key = `${use}:${runs.join()}`;
          if (!found.has(key)) found.set(key, sequence.toSpliced(use, 0, ...runs));
        }
      });
    });
    return [...found.values()];
  }

  /**
   * Kernels that make a copy's value again before position `at`, in order. What they read is made again too where it is
   * gone by then, down to `depth` kernels back; below, it is kept. Undefined where one of them must not run again.
   */
  private again(
    copy: Copy,
    at: number,
    depth: number,
    lives: Lives,
    banned: ReadonlySet<number>,
    sequence: readonly number[],
  ): readonly number[] | undefined {
    const { flow, costs, overwrites } = this.flow;
    const latest = this.latestAt(lives, at);
    const gone = new Set<number>();
    for (let i = 0; i < at; i++) gone.add(sequence[i]);
    const runs: number[] = [];
    const seen = new Set<number>();
    let possible = true;
    const add = (k: number, left: number): void => {
      if (seen.has(k)) return;
      seen.add(k);
      if (costs[k] === null || banned.has(k) || overwrites[k].some((other) => gone.has(other))) {
        possible = false;
        return;
      }
      for (const v of flow.reads[k]) {
        const there = latest.get(v);
        if (left > 0 && flow.writer[v] >= 0 && !(there && there.end >= at)) add(flow.writer[v], left - 1);
      }
      runs.push(k);
    };
    add(flow.writer[copy.value], depth);
    return possible ? runs : undefined;
  }

  /** By value: the copy that a reader at a position would find. */
  private latestAt({ copies }: Lives, at: number): Map<number, Copy> {
    const latest = new Map<number, Copy>();
    for (const copy of copies)
      if (copy.start < at || this.flow.flow.writer[copy.value] < 0) latest.set(copy.value, copy);
    return latest;
  }

  /** Takes back single second runs, the dearest first, while the peak allows it. */
  prune(from: readonly number[]): readonly number[] {
    let sequence = from;
    for (let changed = true; changed && !this.spent; ) {
      changed = false;
      for (const i of this.reruns(sequence)) {
        const without = sequence.toSpliced(i, 1);
        if (this.peakOf(without) > this.bytes) continue;
        sequence = without;
        changed = true;
        break;
      }
    }
    return sequence;
  }

  /** Positions of second runs, the dearest first. */
  private reruns(sequence: readonly number[]): number[] {
    const ran = new Set<number>();
    const cost = (i: number) => this.flow.costs[sequence[i]] ?? 0;
    return sequence
      .flatMap((k, i) => {
        const again = ran.has(k);
        ran.add(k);
        return again ? [i] : [];
      })
      .sort((a, b) => cost(b) - cost(a) || a - b);
  }

  /** Looks for a cheaper way without each of the kernels that run again, the dearest first. */
  improve(from: readonly number[]): readonly number[] {
    let best = from;
    let cost = costOfReruns(this.flow, best);
    for (let changed = true; changed && !this.spent; ) {
      changed = false;
      for (const kernel of new Set(this.reruns(best).map((i) => best[i]))) {
        if (this.spent) break;
        const first = best.indexOf(kernel);
        const without = this.valid(best.filter((k, i) => k !== kernel || i === first));
        if (!without) continue;
        const other = this.descend(without, new Set([kernel]));
        if (this.peakOf(other) > this.bytes) continue;
        const pruned = this.prune(other);
        const then = costOfReruns(this.flow, pruned);
        if (then >= cost) continue;
        [best, cost, changed] = [pruned, then, true];
        break;
      }
    }
    return best;
  }

  private valid = (sequence: readonly number[]) => (this.lives(sequence) ? sequence : undefined);
}
