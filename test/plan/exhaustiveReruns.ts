/**
 * The cheapest second runs under a bound, by trying all: for problems of a few kernels. It shares nothing with the search
 * for them. First runs stand in the order given; any kernel may run again, any number of times.
 */
import type { RerunFlow } from "../../compiler/plan/rerun/flow.ts";

export interface Cheapest {
  readonly sequence: readonly number[];
  /** Most bytes alive at a step. */
  readonly peak: number;
  /** Of the runs beyond the first of each kernel. */
  readonly cost: number;
}

/**
 * How many kernels have run, and what is in memory: all that matters to what may come. By value, 0: nothing that could be
 * read; 1: a copy that may be dropped; 2: one that stays to the end.
 */
interface State {
  readonly ran: number;
  readonly memory: readonly number[];
}

interface Reached {
  readonly state: State;
  readonly cost: number;
  readonly peak: number;
  readonly last?: { readonly kernel: number; readonly before: Reached };
}

/** A run of a kernel: what is in memory afterwards, and how much while it ran. */
interface Run {
  readonly state: State;
  readonly live: number;
}

/** The cheapest sequence that keeps at most `bytes` alive; undefined where there is none. Shortest paths, after Dijkstra. */
export function cheapestReruns(problem: RerunFlow, bytes: number): Cheapest | undefined {
  const { flow, costs } = problem;
  const memory = flow.writer.map((writer, v) => (writer >= 0 ? 0 : flow.kept[v] ? 2 : 1));
  /** The dearest first. */
  const open: Reached[] = [{ state: { ran: 0, memory }, cost: 0, peak: 0 }];
  const done = new Set<string>();
  for (let reached = open.pop(); reached; reached = open.pop()) {
    const { state, cost, peak } = reached;
    if (state.ran === flow.steps.length) return { sequence: kernelsTo(reached), peak, cost };
    if (done.has(keyOf(state))) continue;
    done.add(keyOf(state));
    for (let kernel = 0; kernel <= state.ran; kernel++) {
      const price = kernel < state.ran ? costs[kernel] : 0;
      if (price === null) continue;
      for (const run of runs(problem, state, kernel)) {
        if (run.live > bytes || done.has(keyOf(run.state))) continue;
        const last = { kernel, before: reached };
        insert(open, { state: run.state, cost: cost + price, peak: Math.max(peak, run.live), last });
      }
    }
  }
  return undefined;
}

const keyOf = ({ ran, memory }: State): string => `${ran} ${memory.join("")}`;

/** Behind all that cost more. */
function insert(open: Reached[], reached: Reached): void {
  let [low, high] = [0, open.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (open[middle].cost > reached.cost) low = middle + 1;
    else high = middle;
  }
  open.splice(low, 0, reached);
}

const kernelsTo = ({ last }: Reached): number[] => (last ? [...kernelsTo(last.before), last.kernel] : []);

/** What running a kernel can lead to: each of the copies that it reads or writes may be kept afterwards or not. */
function runs({ flow, overwrites }: RerunFlow, { ran, memory }: State, k: number): Run[] {
  const [reads, writes] = [flow.reads[k], flow.writes[k]];
  if (overwrites[k].some((other) => other < ran) || reads.some((v) => memory[v] === 0)) return [];
  // A copy that is made anew was dropped where it was last read, by another way to get here.
  if (writes.some((v) => memory[v] === 1)) return [];
  const first = k === ran;
  const during = [...memory];
  for (const v of writes) during[v] = first && flow.kept[v] ? 2 : 1;
  const copies = flow.values.map((_, v) => {
    const readable = during[v] > 0 ? 1 : 0;
    // What is to stay to the end does so beside what was made of it later.
    const stays = flow.kept[v] && during[v] !== 2 && flow.writer[v] >= 0 && flow.writer[v] < ran ? 1 : 0;
    return readable + stays;
  });
  const live = flow.sizes.reduce((sum, size, v) => sum + copies[v] * size, 0);
  // Inputs that nothing reads are there at the first step alone.
  const unread = ran === 0 ? flow.readers.flatMap((by, v) => (by.length === 0 && memory[v] === 1 ? [v] : [])) : [];
  return subsets([...reads, ...writes].filter((v) => during[v] === 1)).map((dropped) => {
    const after = [...during];
    for (const v of [...dropped, ...unread]) after[v] = 0;
    let shared = 0;
    const placed = new Set<number>();
    for (const [written, read] of flow.pairs[k]) {
      if (!dropped.includes(read) || placed.has(written) || placed.has(read)) continue;
      placed.add(written).add(read);
      shared += flow.sizes[written];
    }
    return { state: { ran: first ? ran + 1 : ran, memory: after }, live: live - shared };
  });
}

const subsets = (of: readonly number[]): number[][] =>
  of.reduce<number[][]>((all, v) => all.flatMap((some) => [some, [...some, v]]), [[]]);
