/**
 * What makes two contractions the same to a schedule: extents, addresses, guards, and what the epilogue does. Names of
 * values, axes and groups do not matter. Measurements of schedules are kept under this.
 */
import { createHash } from "node:crypto";
import { type Axis, extentOf } from "../ir/index.ts";
import { StructureWriter } from "../ir/structure.ts";
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
export function contractionText(c: Contraction): string {
  const places = placesOf(c);
  const tensors = new Map<Value, string>();
  const writer = new StructureWriter({
    axis: (axis) => places.get(axis) ?? axis.name,
    tensor(value) {
      const { dtype, shape } = value.type;
      const name = tensors.get(value) ?? `t${tensors.size}:${dtype}[${elementCount(shape)}]`;
      tensors.set(value, name);
      return name;
    },
    place: (value, at): string => writer.index(address(value, at, c.layouts)),
    local: () => "sum",
    // Which stream it draws from changes the numbers, not the work.
    stream: () => "",
  });
  const { lines } = writer;
  lines.push([...places].map(([axis, place]) => `${place}:${axis.extent}`).join(" "));
  lines.push(`a ${writer.read(c.a.read)}`, `b ${writer.read(c.b.read)}`);
  lines.push(`where ${writer.conditions(c.exists)}`);
  for (const { value, index, expr } of c.stores) {
    const stored = writer.scalar(expr);
    lines.push(`store ${writer.access(value, index)} ${stored}`);
  }
  return lines.join("\n");
}
