/**
 * Regions that keep few bytes alive: greedy from the moments at which most are, among the runs of groups around them.
 * Deterministic.
 */
import { bytesOf } from "../../plan/problem.ts";
import { makeAgain } from "./again.ts";
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
    const kept = groups.live(items, { used: true });
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
        const then = new Groups(program, batchUse(program)!);
        return { groups: then, items: searchRegions(then, bytes) };
      })
      .find((then) => excessOf(then.groups.live(then.items, { used: true }), bytes) < (1 - leastGain) * excess);
    if (!better) return { groups, items };
    ({ groups, items } = better);
  }
}

/**
 * Items that keep at most `bytes` alive, wherever slices can bring that about. An estimate: it leaves out that values take
 * the place of others.
 */
function searchRegions(groups: Groups, bytes: number): readonly Item[] {
  let found = evaluate(groups, [])!;
  for (;;) {
    const better = lower(groups, found, bytes);
    if (!better) return found.items;
    found = better;
  }
}

/** The same with less alive at the highest of the moments over the bound where there is a way. */
function lower(groups: Groups, found: Found, bytes: number): Found | undefined {
  const over = [...found.live.keys()].filter((t) => found.live[t] > bytes);
  for (const moment of over.sort((a, b) => found.live[b] - found.live[a] || a - b)) {
    const better = improve(groups, found, groupAt(found.items, moment), bytes);
    if (better) return better;
  }
  return undefined;
}

function evaluate(groups: Groups, regions: readonly Region[]): Found | undefined {
  const items = groups.items(regions);
  return items && { regions, items, live: groups.live(items) };
}

const excessOf = (live: Float64Array, bytes: number): number =>
  live.reduce((sum, b) => sum + Math.max(0, b - bytes), 0);

/** The same with one region more, or a larger one, around a group: the one that leaves least over the bound, in few slices. */
function improve(groups: Groups, from: Found, group: number, bytes: number): Found | undefined {
  let best: (Found & { readonly key: readonly number[] }) | undefined;
  const before = excessOf(from.live, bytes);
  const at = ({ items, live }: Found) => live[momentOf(items, group)];
  const enough = at(from) - leastGain * (at(from) - bytes);
  for (const { from: a, to: b } of runsAround(group, groups.stores.length, from.regions)) {
    const others = from.regions.filter((r) => r.to <= a || r.from >= b);
    const least = Math.max(2, ...from.regions.filter((r) => !others.includes(r)).map((r) => r.slices));
    for (let slices = least; slices <= groups.use.batch; slices *= 2) {
      if (groups.use.batch % slices !== 0) break;
      const region = { from: a, to: b, slices };
      const found = evaluate(
        groups,
        [...others, region].sort((x, y) => x.from - y.from),
      );
      if (!found || at(found) > enough) continue;
      const excess = excessOf(found.live, bytes);
      if (excess >= before) continue;
      const item = found.items.find((i) => i.groups.includes(group))!;
      const key = [excess, slices * item.groups.length];
      // A slice more costs another reading of the weights: it is worth a tenth of what is too much.
      if (
        !best ||
        key[0] + 0.1 * before < best.key[0] ||
        (key[0] <= best.key[0] + 0.1 * before && key[1] < best.key[1])
      )
        best = { ...found, key };
    }
  }
  return best;
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

/** Runs of groups with `g` in them that hold each of the regions whole or not at all. */
function* runsAround(g: number, count: number, regions: readonly Region[]): Generator<{ from: number; to: number }> {
  const splits = (at: number) => regions.some((r) => r.from < at && at < r.to);
  for (let from = g; from >= Math.max(0, g - longest); from--) {
    if (splits(from)) continue;
    for (let to = g + 1; to <= Math.min(count, from + longest); to++) if (!splits(to)) yield { from, to };
  }
}
