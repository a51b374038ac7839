/** order: the kernels in an order that keeps few bytes alive at once. */
import type { Kernel } from "../ir/kernel.ts";
import { type Dataflow, dataflow } from "../plan/dataflow.ts";
import { allocateLeast, freeEarly, freeMost, listSchedule, lookAhead } from "../plan/listSchedule.ts";
import { cheaper, type OrderCost, orderCosts } from "../plan/orderCost.ts";
import type { PlanProblem } from "../plan/problem.ts";

/**
 * The problem's kernels in a valid order (data before its readers; readers of a state before the kernel that writes its
 * next version) with a low peak of live bytes, and among such a low sum over time. The order given is kept where nothing
 * better is found. Deterministic. Throws where no order is valid.
 */
export function orderKernels(problem: PlanProblem): Kernel[] {
  const flow = dataflow(problem);
  const costOf = orderCosts(flow);
  const inOrder: Ordered[] = [
    ...[given(flow), listSchedule(flow, freeMost), listSchedule(flow, freeEarly), listSchedule(flow, allocateLeast)],
    lookAhead(flow),
  ].map((order) => ({ order, ...costOf(order) }));
  const best = inOrder.reduce((a, b) => (cheaper(b, a) ? b : a));
  return improve(flow, best, costOf).order.map((k) => problem.kernels[k]);
}

interface Ordered extends OrderCost {
  readonly order: readonly number[];
}

/** The order given, or where it is not valid the valid one nearest to it. */
const given = (flow: Dataflow): number[] => listSchedule(flow, () => 0);

/** Values and kernels looked at, in all: bounds the time of the search. */
const searchBudget = 4e6;

/** Moves single kernels as early or as late as they may run, while that makes the order cheaper. */
function improve(flow: Dataflow, from: Ordered, costOf: (order: readonly number[]) => OrderCost): Ordered {
  let best = from;
  let position = positions(best.order);
  let trials = Math.floor(searchBudget / (flow.values.length + flow.steps.length + 1));
  for (let changed = true; changed; ) {
    changed = false;
    for (let k = 0; k < flow.steps.length; k++) {
      const at = position[k];
      const earliest = flow.before[k].reduce((p, b) => Math.max(p, position[b] + 1), 0);
      const latest = flow.after[k].reduce((p, a) => Math.min(p, position[a] - 1), best.order.length - 1);
      for (const to of [earliest, latest]) {
        if (to === at) continue;
        if (trials-- <= 0) return best;
        const order = best.order.toSpliced(at, 1).toSpliced(to, 0, k);
        const cost = costOf(order);
        if (!cheaper(cost, best)) continue;
        best = { order, ...cost };
        position = positions(order);
        changed = true;
        break;
      }
    }
  }
  return best;
}

function positions(order: readonly number[]): Int32Array {
  const position = new Int32Array(order.length);
  order.forEach((k, i) => {
    position[k] = i;
  });
  return position;
}
