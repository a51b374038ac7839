/**
 * Regions that keep few bytes alive: greedy from the moments at which most are, among the runs of groups around them.
 * Deterministic.
 */
import { bytesOf } from "../../plan/problem.ts";
import { makeAgain } from "./again.ts";
import { Live } from "./live.ts";
import { Groups, type Item, type Region } from "./regions.ts";
import { batchUse } from "./slicing.ts";

/** A region is at most so many groups long: more keep more alive around it than they save. */
const longest = 48;

/** Less than this part of what is too much, and a region is not worth its slices. */
const leastGain = 0.1;

interface Found {
  readonly regions: readonly Region[];
  readonly items: readonly Item[];
  readonly live: Float64Array;
}

export interface Sliced {
  readonly groups: Groups;
  readonly items: readonly Item[];
}

/** Values that are looked at for being made again, at one moment. */
const mostCandidates = 4;

/**
 * Groups in slices that keep at most `bytes` alive, as far as slices can bring that about, and as far as the rest can be
 * made again by whole kernels. What was stored in slices cannot: where it is too much to keep, its groups come twice.
 */
export function searchSlices(start: Groups, bytes: number): Sliced {
  let groups = start;
  let items = searchRegions(groups, bytes);
  for (;;) {
    const kept = new Live(groups).of(items, { used: true });
    const excess = excessOf(kept, bytes);
    if (excess === 0) return { groups, items };
    const moment = kept.indexOf(kept.reduce((a, b) => Math.max(a, b), 0));
    const { group, values } = groups.keptSlices(items, moment);
    const better = values
      .flatMap((value) => {
        const again = makeAgain(groups, value, group);
        return again ? [{ ...again, worth: bytesOf(value) / again.cost }] : [];
      })
      .sort((a, b) => b.worth - a.worth)
      .slice(0, mostCandidates)
      .map(({ program }) => {
        const then = new Groups(program, batchUse(program)!, groups.options);
        return { groups: then, items: searchRegions(then, bytes) };
      })
      .find((then) => excessOf(new Live(then.groups).of(then.items, { used: true }), bytes) < (1 - leastGain) * excess);
    if (!better) return { groups, items };
    ({ groups, items } = better);
  }
}

/**
 * Items that keep at most `bytes` alive, wherever slices can bring that about. An estimate: it leaves out that values take
 * the place of others.
 */
function searchRegions(groups: Groups, bytes: number): readonly Item[] {
  return new Search(groups, bytes).found.items;
}

class Search {
  found: Found;
  private readonly live: Live;
  /** Groups for which there was no way. */
  private readonly stuck = new Set<number>();

  constructor(
    private readonly groups: Groups,
    private readonly bytes: number,
  ) {
    this.live = new Live(groups);
    this.found = this.evaluate([])!;
    while (this.lower());
  }

  /** Lowers the highest of the moments over the bound where there is a way; false where there is none. */
  private lower(): boolean {
    const { live, items } = this.found;
    const over = [...live.keys()].filter((t) => live[t] > this.bytes);
    for (const moment of over.sort((a, b) => live[b] - live[a] || a - b)) {
      const group = groupAt(items, moment);
      if (this.stuck.has(group)) continue;
      const better = this.improve(group);
      if (!better) this.stuck.add(group);
      else {
        this.found = better;
        return true;
      }
    }
    return false;
  }

  /** The same with one region more, or a larger one, around a group: the one that leaves least over the bound, in few slices. */
  private improve(group: number): Found | undefined {
    const { groups, bytes, found: from } = this;
    let best: { readonly found: Found; readonly excess: number; readonly cost: number } | undefined;
    const before = excessOf(from.live, bytes);
    const now = from.live[momentOf(from.items, group)];
    const enough = now - leastGain * (now - bytes);
    for (const { from: a, to: b } of runsAround(group, groups, from.regions)) {
      const others = from.regions.filter((r) => r.to <= a || r.from >= b);
      const least = Math.max(2, ...from.regions.filter((r) => !others.includes(r)).map((r) => r.slices));
      for (let slices = least; slices <= groups.use.batch && groups.use.batch % slices === 0; slices *= 2) {
        const regions = [...others, { from: a, to: b, slices }].sort((x, y) => x.from - y.from);
        const found = this.evaluate(regions);
        if (!found) continue;
        const then = found.live[momentOf(found.items, group)];
        const excess = excessOf(found.live, bytes);
        const item = found.items.find((i) => i.groups.includes(group))!;
        // A slice more costs another reading of the weights: it is worth a tenth of what is too much.
        const cost = excess + (0.1 * before * slices * item.groups.length) / (longest * groups.use.batch);
        if (then <= enough && excess < before && (!best || cost < best.cost)) best = { found, excess, cost };
        if (then <= bytes) break;
      }
    }
    return best?.found;
  }

  private evaluate(regions: readonly Region[]): Found | undefined {
    const items = this.groups.items(regions);
    return items && { regions, items, live: this.live.of(items) };
  }
}

function excessOf(live: Float64Array, bytes: number): number {
  let sum = 0;
  for (const b of live) if (b > bytes) sum += b - bytes;
  return sum;
}

/** When a group runs. */
function momentOf(items: readonly Item[], group: number): number {
  let t = 0;
  for (const item of items) {
    const i = item.groups.indexOf(group);
    if (i >= 0) return t + i;
    t += item.groups.length;
  }
  throw new Error(`group ${group} does not run`);
}

/** The group that runs at a moment. */
function groupAt(items: readonly Item[], moment: number): number {
  let t = moment;
  for (const item of items) {
    if (t < item.groups.length) return item.groups[t];
    t -= item.groups.length;
  }
  throw new Error(`no group runs at ${moment}`);
}

/** Runs of groups with `g` in them, from one that can be sliced to another, that hold each of the regions whole or not at all. */
function* runsAround(g: number, { use }: Groups, regions: readonly Region[]): Generator<{ from: number; to: number }> {
  const ends = (at: number, group: number) => use.slicings[group] && !regions.some((r) => r.from < at && at < r.to);
  for (let from = g; from >= Math.max(0, g - longest); from--) {
    if (!ends(from, from)) continue;
    const most = Math.min(use.slicings.length, from + longest);
    for (let to = g + 1; to <= most; to++) if (ends(to, to - 1)) yield { from, to };
  }
}
