/** The plan and the kernels of an artifact's folder, from `program.json` alone. */
import type { PlanJson } from "../../compiler/plan/json.ts";
import { formatBytes } from "../../runtime/program/error.ts";
import {
  type Artifact,
  copyKernel,
  type EntryName,
  isCopy,
  type Program,
  type ProgramBuffer,
  type ProgramEntry,
  type ProgramStep,
} from "../../runtime/program/schema.ts";

/**
 * What a dispatch reads and writes. The arena is bound read_write throughout, so it is told from lifetimes: a value is
 * written where its life begins, and read by whatever else binds its place while it lives.
 */
export function dispatchTraffic(program: Program, entry: ProgramEntry, dispatch: ProgramStep, at: number) {
  if (isCopy(dispatch)) return { reads: [dispatch.copy.name], writes: [dispatch.texture] };
  const [reads, writes] = [new Set<string>(), new Set<string>()];
  const given = new Set(Object.values(entry.inputs));
  const isBorn = (b: ProgramBuffer) => b.start === at && !given.has(b.name);
  dispatch.bindings.forEach((binding, i) => {
    if (binding.kind === "state") {
      reads.add(binding.name);
      if (program.kernels[dispatch.kernel].bindings[i].access === "read_write") writes.add(binding.name);
    }
    if (binding.kind === "texture") reads.add(binding.name);
    if (binding.kind !== "buffer") return;
    const bound = entry.buffers.find((b) => b.name === binding.name)!;
    for (const b of entry.buffers)
      if (b.offset === bound.offset && b.start <= at && at < b.end) (isBorn(b) ? writes : reads).add(b.name);
  });
  return { reads: [...reads], writes: [...writes] };
}

export function storedPlan({ program }: Artifact, name: EntryName): PlanJson {
  const entry = program.entries[name]!;
  return {
    arenaBytes: entry.arenaBytes,
    lowerBoundBytes: entry.lowerBoundBytes,
    persistentBytes: program.persistentBytes,
    buffers: entry.buffers.map(({ name, shape, offset, size, start, end }) => ({
      name,
      shape,
      offset,
      size,
      start,
      end,
    })),
    textures: entry.textures.map(({ name, shape, size, start, end }) => ({ name, shape, size, start, end })),
    dispatches: entry.dispatches.map((dispatch, at) => ({
      kernel: isCopy(dispatch) ? copyKernel : program.kernels[dispatch.kernel].name,
      workgroups: isCopy(dispatch) ? ([0, 0, 0] as const) : dispatch.workgroups,
      ...dispatchTraffic(program, entry, dispatch, at),
    })),
  };
}

/** A plan's JSON as text. */
export function planJsonToText(plan: PlanJson): string {
  const list = (names: readonly string[]) => names.map((name) => `%${name}`).join(", ");
  const ratio = plan.lowerBoundBytes === 0 ? 1 : plan.arenaBytes / plan.lowerBoundBytes;
  return [
    "plan",
    `  arena ${formatBytes(plan.arenaBytes)}, lower bound ${formatBytes(plan.lowerBoundBytes)}, ratio ${ratio.toFixed(3)}`,
    `  state ${formatBytes(plan.persistentBytes)}`,
    "dispatches",
    ...plan.dispatches.map(
      (d, i) => `  ${i} ${d.kernel} [${d.workgroups.join(", ")}] (${list(d.reads)}) -> ${list(d.writes)}`,
    ),
    "buffers",
    ...plan.buffers.map(
      (b) => `  %${b.name} [${b.shape.join(",")}] [${b.offset}, ${b.offset + b.size}) over [${b.start}, ${b.end})`,
    ),
    ...(plan.textures.length > 0 ? ["textures"] : []),
    ...plan.textures.map((t) => `  %${t.name} [${t.shape.join(",")}] ${t.size} bytes over [${t.start}, ${t.end})`),
  ].join("\n");
}

/** The kernels of an entry point, in the order of their first dispatch. */
export const storedKernels = ({ program }: Artifact, name: EntryName) =>
  [...new Set(program.entries[name]!.dispatches.flatMap((step) => (isCopy(step) ? [] : [step.kernel])))].map(
    (i) => program.kernels[i],
  );

/** The kernels' texts, each under the names of those that have it. */
export const storedKernelsText = (artifact: Artifact, name: EntryName): string =>
  [...new Set(storedKernels(artifact, name).map(({ file }) => file))].map((file) => artifact.kernels[file]).join("\n");
