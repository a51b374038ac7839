/**
 * What makes two contractions the same to a schedule: extents, addresses, guards, and what the epilogue does. Names of
 * values, axes and groups do not matter. Measurements of schedules are kept under this.
 */
import { createHash } from "node:crypto";
import { type Axis, extentOf, type Index } from "../ir/index.ts";
import type { Condition, ReadNode, Scalar } from "../ir/scalar.ts";
import { elementCount, type Value } from "../ir/types.ts";
import { address } from "./buffers.ts";
import type { Contraction } from "./contraction.ts";
import { axisParameters, type ContractionSchedule } from "./tile.ts";

/** A schedule with axes by place ("r0", "k1"), so that it is good for every contraction with the same hash. */
export type PlacedSchedule = Readonly<Record<string, string | number | boolean>>;

/** The axes in a fixed order, named by their role and place: b0, r0, r1, c0, k0, ... */
function placesOf(c: Contraction): Map<Axis, string> {
  const roles = { b: c.batch, r: c.rows, c: c.columns, k: c.inner };
  return new Map(
    Object.entries(roles).flatMap(([role, axes]) => axes.map((axis, i) => [axis, `${role}${i}`] as const)),
  );
}

const renameAxes = (s: PlacedSchedule, names: ReadonlyMap<string, string>): PlacedSchedule =>
  Object.fromEntries(
    Object.entries(s).map(([parameter, value]) => {
      if (typeof value !== "string" || !axisParameters.includes(parameter)) return [parameter, value];
      const renamed = value.split(",").map((name) => names.get(name) ?? name);
      return [parameter, renamed.join(",")];
    }),
  );

/** The schedule with axes by place. */
export const toPlaces = (c: Contraction, s: ContractionSchedule): PlacedSchedule =>
  renameAxes(s, new Map([...placesOf(c)].map(([axis, place]) => [axis.name, place])));

/** The schedule for the axes of this contraction. Whether it can be built, scheduleProblems says. */
export const fromPlaces = (c: Contraction, s: PlacedSchedule): ContractionSchedule =>
  renameAxes(s, new Map([...placesOf(c)].map(([axis, place]) => [place, axis.name]))) as ContractionSchedule;

/** 128 bits of SHA-256 of the contraction's text, in hexadecimal. */
export const contractionHash = (c: Contraction): string =>
  createHash("sha256").update(contractionText(c)).digest("hex").slice(0, 32);

/** "1936 x 192 x 2400": rows, columns and terms, with a batch before them where there is one. */
export function contractionSize(c: Contraction): string {
  const size = [c.rows, c.columns, c.inner].map(extentOf).join(" x ");
  const batch = extentOf(c.batch);
  return batch === 1 ? size : `${batch} of ${size}`;
}

/** Equal for contractions that are the same to a schedule. */
export const contractionText = (c: Contraction): string => new Writer(c).text();

class Writer {
  private readonly places: ReadonlyMap<Axis, string>;
  private readonly tensors = new Map<Value, string>();
  /** What each scalar was written as: an expression is a graph, written a node a line. */
  private readonly written = new Map<Scalar, string>();
  private readonly lines: string[] = [];

  constructor(private readonly c: Contraction) {
    this.places = placesOf(c);
  }

  text(): string {
    const { c, lines } = this;
    lines.push([...this.places].map(([axis, place]) => `${place}:${axis.extent}`).join(" "));
    lines.push(`a ${this.read(c.a.read)}`, `b ${this.read(c.b.read)}`);
    lines.push(`where ${this.conditions(c.exists)}`);
    for (const { value, index, expr } of c.stores) {
      const stored = this.scalar(expr);
      lines.push(`store ${this.tensor(value)} at ${this.index(address(value, index, c.layouts))} ${stored}`);
    }
    return lines.join("\n");
  }

  private tensor(value: Value): string {
    const { dtype, shape } = value.type;
    const name = this.tensors.get(value) ?? `t${this.tensors.size}:${dtype}[${elementCount(shape)}]`;
    this.tensors.set(value, name);
    return name;
  }

  private index(index: Index): string {
    const terms = index.terms.map(({ coefficient, atom }) => {
      switch (atom.kind) {
        case "axis":
          return `${coefficient}*${this.places.get(atom.axis) ?? atom.axis.name}`;
        case "floorDiv":
          return `${coefficient}*(${this.index(atom.of)})/${atom.by}`;
        case "mod":
          return `${coefficient}*(${this.index(atom.of)})%${atom.by}`;
        case "clamp":
          return `${coefficient}*clamp(${this.index(atom.of)},${atom.low},${atom.high})`;
        case "data":
          return `${coefficient}*data(${this.scalar(atom.scalar)},${atom.low},${atom.high})`;
      }
    });
    return [...terms.sort(), index.constant].join("+");
  }

  private condition(c: Condition): string {
    return c.kind === "divisible" ? `${this.index(c.index)}%${c.by}=0` : `${this.index(c.index)}>=0`;
  }

  private conditions(list: readonly Condition[]): string {
    return list.length === 0
      ? "true"
      : list
          .map((c) => this.condition(c))
          .sort()
          .join(" and ");
  }

  private read({ tensor, index, guard, fill }: ReadNode): string {
    const at = this.index(address(tensor, index, this.c.layouts));
    return `${this.tensor(tensor)} at ${at} if ${this.conditions(guard)} else ${fill}`;
  }

  private scalar(s: Scalar): string {
    const known = this.written.get(s);
    if (known) return known;
    const text = `${s.dtype} ${this.node(s)}`;
    const name = `s${this.written.size}`;
    this.lines.push(`${name} ${text}`);
    this.written.set(s, name);
    return name;
  }

  private node({ node: n }: Scalar): string {
    switch (n.kind) {
      case "constant":
        return `${n.value}`;
      case "read":
        return this.read(n);
      case "index":
        return this.index(n.index);
      case "unary":
        return `${n.op} ${this.scalar(n.a)}`;
      case "binary":
        return `${n.op} ${this.scalar(n.a)} ${this.scalar(n.b)}`;
      case "select":
        return `select ${this.scalar(n.condition)} ${this.scalar(n.a)} ${this.scalar(n.b)}`;
      case "uniform":
        return `uniform ${n.name}`;
      case "local":
        return "sum";
      // Which stream it draws from changes the numbers, not the work.
      case "random":
        return `random ${this.index(n.element)}`;
      case "table":
        return `table ${JSON.stringify(n.values)} ${this.index(n.row)} ${this.index(n.column)}`;
    }
  }
}
