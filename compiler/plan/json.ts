/** The plan as `kiln inspect --stage plan --format json` has it. */
import { copyKernel } from "../../runtime/program/schema.ts";
import type { Plan } from "../ir/plan.ts";
import type { Value } from "../ir/types.ts";
import type { PlanProblem } from "./problem.ts";

export interface PlanJson {
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly persistentBytes: number;
  readonly buffers: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly offset: number;
    readonly size: number;
    readonly start: number;
    readonly end: number;
  }[];
  /** Copies of values, each in a texture. */
  readonly textures: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly size: number;
    readonly start: number;
    readonly end: number;
  }[];
  readonly dispatches: readonly {
    readonly kernel: string;
    readonly workgroups: readonly [number, number, number];
    readonly reads: readonly string[];
    readonly writes: readonly string[];
  }[];
}

/**
 * The plan's JSON. A buffer or texture lives over dispatches start <= i < end; a copy into a texture is a dispatch of
 * `copyKernel` without workgroups. Reads and writes name buffers, textures and states; the next
 * version of a state goes by the state's name, and the run's own buffers (labels, pictures) are left out.
 */
export function planToJson(plan: Plan, problem: PlanProblem): PlanJson {
  const external = new Set(problem.external);
  const nameOf = storageNames(problem);
  const names = (values: readonly Value[]) => [...new Set(values.filter((v) => !external.has(v)).map(nameOf))];
  return {
    arenaBytes: plan.arenaBytes,
    lowerBoundBytes: plan.lowerBoundBytes,
    persistentBytes: plan.persistentBytes,
    buffers: plan.buffers.map(({ value, offset, size, start, end }) => ({
      name: value.name,
      shape: value.type.shape,
      offset,
      size,
      start,
      end,
    })),
    textures: plan.textures.map(({ value, size, start, end }) => ({
      name: value.name,
      shape: value.type.shape,
      size,
      start,
      end,
    })),
    dispatches: plan.dispatches.map(({ kernel, reads, writes }) => ({
      kernel: kernel?.name ?? copyKernel,
      workgroups: kernel?.workgroups ?? [0, 0, 0],
      reads: names(reads),
      writes: names(writes),
    })),
  };
}

/** The name under which a value is stored: its own, or the state's whose next version it is. */
function storageNames(problem: PlanProblem): (value: Value) => string {
  const previous = new Map(problem.updates.map(({ state, next }) => [next, state]));
  return (value) => {
    for (let old = previous.get(value); old; old = previous.get(value)) value = old;
    return value.name;
  };
}
