/** The plan as `kiln inspect --stage plan` shows it. */
import { copyKernel } from "../../runtime/program/schema.ts";
import type { Plan } from "../ir/plan.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatBytes } from "./limits.ts";
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

/**
 * The plan as text: sizes, then each dispatch with what it reads and writes, then each buffer with its bytes.
 * `%a in %b` is a value written in the place of one that dies there.
 */
export function planToText(plan: Plan, problem: PlanProblem): string {
  const nameOf = storageNames(problem);
  const list = (values: readonly Value[]) => [...new Set(values.map(nameOf))].map((name) => `%${name}`).join(", ");
  const ratio = plan.lowerBoundBytes === 0 ? 1 : plan.arenaBytes / plan.lowerBoundBytes;
  const lines = [
    "plan",
    `  arena ${formatBytes(plan.arenaBytes)} in ${parts(plan)}`,
    `  lower bound ${formatBytes(plan.lowerBoundBytes)}, ratio ${ratio.toFixed(3)}`,
    `  state ${formatBytes(plan.persistentBytes)}`,
    "dispatches",
    ...plan.dispatches.map(
      ({ kernel, reads, writes }, i) =>
        `  ${i} ${kernel ? `${kernel.name} [${kernel.workgroups.join(", ")}]` : copyKernel} (${list(reads)}) -> ${list(writes)}`,
    ),
    "buffers",
    ...plan.buffers.map(({ value, offset, size, start, end }) => {
      const host = plan.buffers.find(
        (other) => other.value !== value && other.offset === offset && other.size === size && other.end === start + 1,
      );
      const inPlace = host && inPlaceAt(plan, start, value, host.value) ? ` in %${host.value.name}` : "";
      return `  %${value.name} ${formatType(value.type)} [${offset}, ${offset + size}) over [${start}, ${end})${inPlace}`;
    }),
    ...(plan.textures.length > 0 ? ["textures"] : []),
    ...plan.textures.map(
      ({ value, gpuTexture, size, start, end }) =>
        `  %${value.name} ${formatType(value.type)} ${size} bytes in GPU texture ${gpuTexture} over [${start}, ${end})`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** `2 GPU buffers: 512, 256; 1 GPU texture: 512 x 1` */
function parts({ arenas, gpuTextures }: Plan): string {
  const count = (n: number, what: string) => `${n} GPU ${what}${n === 1 ? "" : "s"}`;
  const textures = gpuTextures.map(({ width, height }) => `${width} x ${height}`);
  const buffers = `${count(arenas.length, "buffer")}: ${arenas.join(", ")}`;
  return textures.length === 0 ? buffers : `${buffers}; ${count(textures.length, "texture")}: ${textures.join(", ")}`;
}

const inPlaceAt = (plan: Plan, i: number, written: Value, read: Value): boolean =>
  plan.dispatches[i]?.kernel?.inPlace.some(([w, r]) => w === written && r === read) ?? false;

/** The name under which a value is stored: its own, or the state's whose next version it is. */
function storageNames(problem: PlanProblem): (value: Value) => string {
  const previous = new Map(problem.updates.map(({ state, next }) => [next, state]));
  return (value) => {
    for (let old = previous.get(value); old; old = previous.get(value)) value = old;
    return value.name;
  };
}
