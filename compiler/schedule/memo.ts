/**
 * Kernels made before: a group that is another one but for the names of its values gets that one's kernel. Networks
 * repeat their layers, and entry points repeat each other's groups.
 */
import { type FusedProgram, type Group, scalarsOf } from "../ir/fused.ts";
import type { Axis } from "../ir/index.ts";
import type { Kernel } from "../ir/kernel.ts";
import { indicesOf, type Scalar, visitScalar } from "../ir/scalar.ts";
import { StructureWriter } from "../ir/structure.ts";
import type { Value } from "../ir/types.ts";
import { bufferName } from "./buffers.ts";

/** What decides a group's kernel: equal texts, equal kernels, where the values of one stand for those of the other. */
interface Form {
  readonly text: string;
  /** In the order in which the text mentions them. */
  readonly values: readonly Value[];
}

/** What was made for the first group of a form. */
interface Made {
  readonly values: readonly Value[];
  readonly kernels: Map<number | undefined, Kernel>;
  readonly textures: Map<number, readonly Value[]>;
}

/** For one target and one choice of schedules. */
export class ScheduleMemo {
  private readonly byText = new Map<string, Made>();
  private readonly forms = new WeakMap<Group, { readonly made: Made; readonly values: readonly Value[] }>();

  /** The kernel for a group with at most so many bytes of textures, by `make` where there is none of its form yet. */
  kernel(group: Group, layouts: FusedProgram["layouts"], textureBytes: number | undefined, make: () => Kernel): Kernel {
    const { made, values } = this.of(group, layouts);
    const before = made.kernels.get(textureBytes);
    if (!before) {
      const kernel = make();
      made.kernels.set(textureBytes, withValues(kernel, renaming(values, made.values)));
      return kernel;
    }
    return withValues(before, renaming(made.values, values));
  }

  /** Likewise what the kernel would read from textures. */
  textures(
    group: Group,
    layouts: FusedProgram["layouts"],
    textureBytes: number,
    make: () => readonly Value[],
  ): readonly Value[] {
    const { made, values } = this.of(group, layouts);
    const before = made.textures.get(textureBytes);
    if (before) return before.map(renaming(made.values, values));
    const own = make();
    made.textures.set(textureBytes, own.map(renaming(values, made.values)));
    return own;
  }

  private of(group: Group, layouts: FusedProgram["layouts"]) {
    const known = this.forms.get(group);
    if (known) return known;
    const { text, values } = formOf(group, layouts);
    const made = this.byText.get(text) ?? { values, kernels: new Map(), textures: new Map() };
    this.byText.set(text, made);
    const form = { made, values };
    this.forms.set(group, form);
    return form;
  }
}

/** The form of a group: all of it but the names of values, of which the kernel's buffers keep only the words. */
function formOf(group: Group, layouts: FusedProgram["layouts"]): Form {
  const axes = namesOf(axesOf(group));
  const tensors = new Map<Value, string>();
  const writer: StructureWriter = new StructureWriter({
    axis: (axis) => axes.get(axis)!,
    tensor(value) {
      const known = tensors.get(value);
      if (known) return known;
      const { dtype, shape } = value.type;
      const name = `t${tensors.size}`;
      tensors.set(value, name);
      writer.lines.push(`${name} = ${bufferName(value)}: ${dtype}[${shape}] as [${layouts.get(value) ?? ""}]`);
      return name;
    },
    place: (_, index) => `[${index.map((i) => writer.index(i)).join(", ")}]`,
    local: (local) => `local ${local.name}`,
    stream: (stream) => `${stream}`,
  });
  const list = (some: readonly Axis[]) => some.map((axis) => axes.get(axis)).join(" ");
  const { lines } = writer;
  lines.push([...axes].map(([axis, name]) => `${name}=${axis.name}:${axis.extent}`).join(" "));
  lines.push(`for ${list(group.axes)}`);
  for (const step of group.steps) {
    if (step.kind === "reduce") {
      const results = step.results.map((r) => `${r.name}:${r.dtype}`).join(" ");
      const start = step.start ? ` from ${writer.scalar(step.start)}` : "";
      lines.push(`${results} = ${step.combiner} over ${list(step.axes)}${start} of ${writer.scalar(step.body)}`);
    } else {
      const stored = writer.scalar(step.expr);
      lines.push(`store ${writer.access(step.value, step.index)} over ${list(step.axes)} ${stored}`);
    }
  }
  return { text: lines.join("\n"), values: [...tensors.keys()] };
}

/** All axes of a group, in the order of their making, which is the order of terms in an index. */
function axesOf(group: Group): Axis[] {
  const axes = new Set(group.axes);
  const seen = new Set<Scalar>();
  for (const step of group.steps) {
    for (const axis of step.axes) axes.add(axis);
    if (step.kind === "store") for (const index of step.index) index.axes(axes);
    for (const scalar of scalarsOf(step))
      visitScalar(scalar, (s) => {
        if (!seen.has(s)) for (const index of indicesOf(s.node)) index.axes(axes);
        seen.add(s);
      });
  }
  return [...axes].sort((a, b) => a.id - b.id);
}

const namesOf = (axes: readonly Axis[]): Map<Axis, string> => new Map(axes.map((axis, i) => [axis, `a${i}`]));

function renaming(from: readonly Value[], to: readonly Value[]): (value: Value) => Value {
  const values = new Map(from.map((value, i) => [value, to[i]]));
  return (value) => values.get(value)!;
}

/** The kernel for other values. */
const withValues = (kernel: Kernel, rename: (value: Value) => Value): Kernel => ({
  ...kernel,
  buffers: kernel.buffers.map((b) => ({ ...b, value: rename(b.value) })),
  inPlace: kernel.inPlace.map(([written, read]) => [rename(written), rename(read)] as const),
});
