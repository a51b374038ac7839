/** Which definitions a fused group holds, and which ops of the graph these come from. */
import type { Definition, ExprProgram } from "../../compiler/ir/expr.ts";
import type { FusedProgram } from "../../compiler/ir/fused.ts";
import { type Graph, outputValues } from "../../compiler/ir/graph.ts";
import { readsOf } from "../../compiler/ir/scalar.ts";
import type { Value } from "../../compiler/ir/types.ts";

export interface Origin {
  /** Numbers of the definitions inside, in the program's order. */
  readonly definitions: readonly number[];
  /** Numbers of the graph's nodes that they come from, likewise. */
  readonly nodes: readonly number[];
}

const isNumber = (n: number | undefined): n is number => n !== undefined;
const sorted = (numbers: Iterable<number>): number[] => [...new Set(numbers)].sort((a, b) => a - b);

/** By group; `program` is what fusion was given. */
export function originsOf(graph: Graph, program: ExprProgram, { groups }: FusedProgram): Origin[] {
  const { definitions } = program;
  const definitionOf = new Map(definitions.flatMap((d, i) => d.outputs.map((value) => [value, i] as const)));
  const sources = definitions.map((d) =>
    sorted(
      readsOf(d.body)
        .map((r) => definitionOf.get(r.tensor))
        .filter(isNumber),
    ),
  );
  const nodesOf = nodesOfDefinitions(graph, definitions, sources);

  const stored = groups.map((group) => group.steps.flatMap((s) => (s.kind === "store" ? [s.value] : [])));
  const storedAnywhere = new Set<Value>(stored.flat());
  return stored.map((values) => {
    const inside = new Set<number>();
    // What no group stores was computed in place by each of its readers.
    const enter = (d: number): void => {
      if (inside.has(d)) return;
      inside.add(d);
      for (const s of sources[d]) if (!definitions[s].outputs.some((value) => storedAnywhere.has(value))) enter(s);
    };
    for (const d of values.map((value) => definitionOf.get(value)).filter(isNumber)) enter(d);
    const all = sorted(inside);
    return { definitions: all, nodes: sorted(all.flatMap((d) => nodesOf[d])) };
  });
}

/** A definition of an op's output is that op's; one that a pass or the op itself put before it is its readers'. */
function nodesOfDefinitions(
  graph: Graph,
  definitions: readonly Definition[],
  sources: readonly number[][],
): number[][] {
  const nodeOf = new Map(graph.nodes.flatMap((node, n) => outputValues(node).map(({ name }) => [name, n] as const)));
  const readers: number[][] = definitions.map(() => []);
  sources.forEach((read, d) => {
    for (const s of read) readers[s].push(d);
  });
  const found: number[][] = [];
  for (let d = definitions.length - 1; d >= 0; d--) {
    const { outputs, op } = definitions[d];
    const own = outputs.map(({ name }) => nodeOf.get(name)).filter(isNumber);
    if (own.length > 0) {
      found[d] = sorted(own);
      continue;
    }
    const ofReaders = readers[d].flatMap((r) => found[r]);
    const sameOp = ofReaders.filter((n) => graph.nodes[n].op === op);
    found[d] = sorted(sameOp.length > 0 ? sameOp : ofReaders);
  }
  return found;
}
