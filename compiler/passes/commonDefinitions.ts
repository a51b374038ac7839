/** Merges definitions that are the same: equal domain, reduction and expression, reading the same tensors. */

import type { Definition, ExprProgram } from "../ir/expr.ts";
import type { Axis, Index } from "../ir/index.ts";
import { readsOf, type Scalar } from "../ir/scalar.ts";
import { elementCount, type Value } from "../ir/types.ts";
import { replaceTensors } from "./replaceTensors.ts";

/**
 * Only what is cheap to keep: small values, and values smaller than what they are computed from. Large ones would have
 * to be stored from the forward to the backward pass, where computing them again inside a kernel costs no memory.
 * A definition whose value replaces a state stays as it is: another that is the same may stand before the state's last
 * reader.
 */
export function mergeCommonDefinitions(program: ExprProgram): ExprProgram {
  const map = new Map<Value, Value>();
  const first = new Map<string, Definition>();
  const ids = new Map<Value, number>();
  const id = (v: Value): number => {
    if (!ids.has(v)) ids.set(v, ids.size);
    return ids.get(v)!;
  };
  const replacements = new Set(program.updates.map((u) => u.next));
  const definitions = program.definitions.flatMap((original) => {
    const definition = { ...original, body: replaceTensors(original.body, map) };
    if (definition.outputs.some((v) => replacements.has(v)) || !isCheapToKeep(definition)) return [definition];
    const key = definitionKey(definition, id);
    const same = first.get(key);
    if (!same) {
      first.set(key, definition);
      return [definition];
    }
    for (const [i, v] of definition.outputs.entries()) map.set(v, same.outputs[i]);
    return [];
  });
  if (map.size === 0) return program;
  const outputs = program.outputs.map((o) => ({ ...o, value: map.get(o.value) ?? o.value }));
  return { ...program, definitions, outputs };
}

const smallElements = 4096;

const isCheapToKeep = ({ outputs, body }: Definition): boolean => {
  const size = elementCount(outputs[0].type.shape);
  return size <= smallElements || readsOf(body).some(({ tensor }) => size < elementCount(tensor.type.shape));
};

/** Text that is equal for definitions that are: axes by position, tensors by number. */
const definitionKey = (definition: Definition, id: (v: Value) => number): string => {
  const positions = new Map<Axis, number>();
  for (const axis of [...definition.axes, ...(definition.reduction?.axes ?? [])]) positions.set(axis, positions.size);
  const keys = new Keys(positions, id);
  const extents = [...positions.keys()].map((a) => a.extent);
  return JSON.stringify([
    extents,
    definition.axes.length,
    definition.reduction?.combiner ?? "",
    keys.scalar(definition.body),
  ]);
};

class Keys {
  constructor(
    private readonly positions: ReadonlyMap<Axis, number>,
    private readonly id: (v: Value) => number,
  ) {}

  scalar({ node: n, dtype }: Scalar): string {
    const parts = (() => {
      switch (n.kind) {
        case "constant":
          return [Object.is(n.value, -0) ? "-0" : n.value];
        case "uniform":
          return [n.name];
        case "local":
          return [n.local.name];
        case "index":
          return [this.index(n.index)];
        case "random":
          return [n.stream, this.index(n.element)];
        case "table":
          return [JSON.stringify(n.values), this.index(n.row), this.index(n.column)];
        case "unary":
          return [n.op, this.scalar(n.a)];
        case "binary":
          return [n.op, this.scalar(n.a), this.scalar(n.b)];
        case "select":
          return [n.condition, n.a, n.b].map((s) => this.scalar(s));
        case "read": {
          const guard = n.guard.map((c) => `${c.kind === "divisible" ? c.by : ""}?${this.index(c.index)}`);
          return [this.id(n.tensor), n.fill, ...n.index.map((i) => this.index(i)), ...guard];
        }
      }
    })();
    return `${n.kind}.${dtype}(${parts.join(",")})`;
  }

  private index(index: Index): string {
    const terms = index.terms.map(({ coefficient, atom }) => {
      switch (atom.kind) {
        case "axis":
          return `${coefficient}*a${this.positions.get(atom.axis)}`;
        case "data":
          return `${coefficient}*data(${this.scalar(atom.scalar)},${atom.low},${atom.high})`;
        case "clamp":
          return `${coefficient}*clamp(${this.index(atom.of)},${atom.low},${atom.high})`;
        default:
          return `${coefficient}*${atom.kind}(${this.index(atom.of)},${atom.by})`;
      }
    });
    return [...terms.sort(), index.constant].join("+");
  }
}
