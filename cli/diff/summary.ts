/** What of a compiled program is compared: its tensors, its kernels and what they cost, its plan. */
import {
  type Artifact,
  type EntryName,
  isCopy,
  type ProgramKernel,
  type ProgramStep,
} from "../../runtime/program/schema.ts";

/** Each section by what its lines are called. */
export interface Summary {
  readonly program: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, string>;
  readonly kernels: ReadonlyMap<string, string>;
  readonly plan: ReadonlyMap<string, string>;
}

export const sections = ["program", "tensors", "kernels", "plan"] as const satisfies readonly (keyof Summary)[];

/** The entry point `name` of an artifact. */
export function summaryOf({ program }: Artifact, name: EntryName): Summary {
  const entry = program.entries[name]!;
  const { model } = program;
  const type = ({ type, shape }: { readonly type: string; readonly shape: readonly number[] }) =>
    `${type}[${shape.join(",")}]`;
  const runs = entry.dispatches.flatMap((step) => (isCopy(step) ? [] : [program.kernels[step.kernel]]));
  const sum = (of: (kernel: ProgramKernel) => number) => runs.reduce((all, kernel) => all + of(kernel), 0);
  return {
    program: new Map([
      ["entry point", name],
      ["mode", model.mode],
      ["batch", `${model.batch}`],
      ["target", program.target.name],
      ["algorithm", model.algorithm],
      ["input", `[${program.input.shape.join(",")}]`],
      ["output", `[${program.output.shape.join(",")}]`],
    ]),
    tensors: new Map([
      ...program.state.map((s) => [s.name, `f32[${s.shape.join(",")}]`] as const),
      ...entry.buffers.map((b) => [b.name, type(b)] as const),
    ]),
    kernels: new Map(entry.dispatches.flatMap((step, i) => described(step, i, program.kernels))),
    plan: new Map([
      ["dispatches", `${entry.dispatches.length}`],
      ["arena, bytes", `${entry.arenaBytes}`],
      ["lower bound, bytes", `${entry.lowerBoundBytes}`],
      ["state, bytes", `${program.persistentBytes}`],
      ["operations", `${sum((kernel) => kernel.operations)}`],
      ["operations executed", `${sum((kernel) => kernel.executedOperations)}`],
    ]),
  };
}

/** A line for each thing that there is to say about a dispatch. */
function described(step: ProgramStep, i: number, kernels: readonly ProgramKernel[]): (readonly [string, string])[] {
  if (isCopy(step)) return [[`copy ${i} to ${step.texture}`, `of ${step.copy.name}`]];
  const { name, ops, algorithm, schedule } = kernels[step.kernel];
  const { kind, ...parameters } = schedule;
  return [
    [`${name}: ops`, ops.join(", ")],
    [`${name}: algorithm`, algorithm],
    [`${name}: schedule`, `${kind}`],
    ...Object.entries(parameters).map(([key, value]) => [`${name}: ${key}`, `${value}`] as const),
    [`${name}: workgroups`, `[${step.workgroups.join(", ")}]`],
  ];
}

export interface Difference {
  readonly section: (typeof sections)[number];
  readonly name: string;
  /** Absent where only the other has it. */
  readonly a?: string;
  readonly b?: string;
}

/** Every line that is not the same in both, in the order of a, then of b. */
export const differencesBetween = (a: Summary, b: Summary): Difference[] =>
  sections.flatMap((section) =>
    [...new Set([...a[section].keys(), ...b[section].keys()])]
      .map((name) => ({ section, name, a: a[section].get(name), b: b[section].get(name) }))
      .filter((d) => d.a !== d.b),
  );
