/** Groups that store a value once more, for those of its readers that come late: their slices then need not be kept. */
import { type FusedProgram, type Group, scalarsOf } from "../../ir/fused.ts";
import { extentOf } from "../../ir/index.ts";
import type { Value } from "../../ir/types.ts";
import { freshName } from "../../plan/steps.ts";
import { replaceTensors } from "../replaceTensors.ts";
import type { Groups } from "./regions.ts";

export interface Again {
  readonly program: FusedProgram;
  /** Points and terms that the further groups compute. */
  readonly cost: number;
}

/** A chain of so many groups at most is run again for one value. */
const longestChain = 8;

/**
 * The program in which groups after number `late` find another version of a value, made just before the first of them
 * from what is there anyway. Undefined where that cannot be: a state that it is made of is replaced by then.
 */
export function makeAgain(groups: Groups, value: Value, late: number): Again | undefined {
  const { program } = groups;
  const readers = groups.readersOf(value).filter((g) => g > late);
  if (readers.length === 0) return undefined;
  const [at] = readers;
  const chain = chainOf(groups, value, at);
  if (!chain) return undefined;

  const valueNames = new Set([...program.layouts.keys()].map((v) => v.name));
  const groupNames = new Set(program.groups.map((g) => g.name));
  const copies = new Map<Value, Value>();
  const layouts = new Map(program.layouts);
  for (const g of chain)
    for (const stored of groups.stores[g]) {
      const copy: Value = { name: freshName(`${stored.name}.again`, valueNames), type: stored.type };
      copies.set(stored, copy);
      layouts.set(copy, program.layouts.get(stored)!);
    }
  const further = chain.map((g) => {
    const group = withCopies(program.groups[g], copies);
    return { ...group, name: freshName(`${group.name}_again`, groupNames), copyOf: group.copyOf ?? group.name };
  });
  // All that the chain stores again is read there from now on: the first of it may be forgotten early.
  const rest = program.groups.map((group, g) => (g >= at ? withReads(group, copies) : group));
  const cost = chain.reduce((sum, g) => sum + costOf(program.groups[g]), 0);
  return { program: { ...program, groups: rest.toSpliced(at, 0, ...further), layouts }, cost };
}

/** Groups that make a value again before group `at`, in order: what they read that is gone by then is made again too. */
function chainOf(groups: Groups, value: Value, at: number): readonly number[] | undefined {
  const chain = new Set<number>();
  const add = (v: Value): boolean => {
    const g = groups.writerOf(v);
    if (g === undefined) return true;
    if (chain.has(g)) return true;
    if (chain.size === longestChain) return false;
    chain.add(g);
    return groups.reads[g].every((read) => {
      if (groups.isReplacedBefore(read, at)) return false;
      const there = groups.readersOf(read).some((r) => r >= at) || !groups.use.dimensions.has(read);
      return there || add(read);
    });
  };
  return add(value) ? [...chain].sort((a, b) => a - b) : undefined;
}

const withReads = (group: Group, copies: ReadonlyMap<Value, Value>): Group => ({
  ...group,
  steps: group.steps.map((step) =>
    step.kind === "store"
      ? { ...step, expr: replaceTensors(step.expr, copies) }
      : {
          ...step,
          body: replaceTensors(step.body, copies),
          ...(step.start ? { start: replaceTensors(step.start, copies) } : {}),
        },
  ),
});

function withCopies(group: Group, copies: ReadonlyMap<Value, Value>): Group {
  const read = withReads(group, copies);
  return {
    ...read,
    steps: read.steps.map((s) => (s.kind === "store" ? { ...s, value: copies.get(s.value)! } : s)),
  };
}

const costOf = ({ axes, steps }: Group): number =>
  extentOf(axes) * steps.reduce((sum, s) => sum + scalarsOf(s).length * extentOf(s.axes), 0);
