/** What an order of kernels costs in memory; fast, since a search asks thousands of times. */
import type { Dataflow } from "./dataflow.ts";

export interface OrderCost {
  /** Greatest sum of live bytes at one dispatch: the plan's lower bound. */
  readonly peak: number;
  /** Live bytes summed over dispatches. */
  readonly area: number;
}

export const cheaper = (a: OrderCost, b: OrderCost): boolean =>
  a.peak < b.peak || (a.peak === b.peak && a.area < b.area);

/** A function from an order to its cost, by the rules of `liveness` (values in place counted once). */
export function orderCosts(flow: Dataflow): (order: readonly number[]) => OrderCost {
  const count = flow.values.length;
  const last = Math.max(1, flow.steps.length);
  const position = new Int32Array(flow.steps.length);
  const end = new Int32Array(count);
  const change = new Float64Array(last + 1);
  const paired = flow.steps.map((_, k) => k).filter((k) => flow.pairs[k].length > 0);
  /** Number of the evaluation in which a value gave, or took, a place. */
  const gave = new Int32Array(count);
  const took = new Int32Array(count);
  let evaluation = 0;

  return (order) => {
    evaluation++;
    for (let i = 0; i < order.length; i++) position[order[i]] = i;
    change.fill(0);
    for (let v = 0; v < count; v++) {
      const start = flow.writer[v] < 0 ? 0 : position[flow.writer[v]];
      let stop = start + 1;
      if (flow.kept[v]) stop = last;
      else for (const k of flow.readers[v]) if (position[k] >= stop) stop = position[k] + 1;
      end[v] = stop;
      change[start] += flow.sizes[v];
      change[stop] -= flow.sizes[v];
    }
    for (const k of paired) {
      for (const [written, read] of flow.pairs[k]) {
        const dies = !flow.kept[read] && end[read] === position[k] + 1;
        if (!dies || gave[read] === evaluation || took[written] === evaluation) continue;
        gave[read] = evaluation;
        took[written] = evaluation;
        change[position[k]] -= flow.sizes[written];
        change[position[k] + 1] += flow.sizes[written];
      }
    }
    let live = 0;
    let peak = 0;
    let area = 0;
    for (let i = 0; i < last; i++) {
      live += change[i];
      area += live;
      if (live > peak) peak = live;
    }
    return { peak, area };
  };
}
