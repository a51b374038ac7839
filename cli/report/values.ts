/** The tensors of a report by number, and what each is to the step. */
import { type Graph, outputValues } from "../../compiler/ir/graph.ts";
import type { Plan } from "../../compiler/ir/plan.ts";
import { formatType, type Value } from "../../compiler/ir/types.ts";
import { bytesOf } from "../../compiler/plan/problem.ts";
import type { Phase, ReportValue, ValueKind } from "./data.ts";

type Numbered = Pick<ReportValue, "name" | "type" | "bytes" | "kind" | "buffer" | "texture">;

/** Numbers values by name, which is theirs alone in one program. */
export class ValueTable {
  readonly values: Numbered[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #kinds = new Map<string, ValueKind>();
  readonly #buffers: Map<string, Plan["buffers"][number]>;
  readonly #textures: Map<string, Plan["textures"][number]>;

  constructor(graph: Graph, phaseOf: readonly Phase[], plan: Plan) {
    this.#buffers = new Map(plan.buffers.map((buffer) => [buffer.value.name, buffer]));
    this.#textures = new Map(plan.textures.map((texture) => [texture.value.name, texture]));
    for (const { value, kind } of graph.inputs) this.#kinds.set(value.name, kind === "labels" ? "labels" : "input");
    for (const { value, role } of graph.states) this.#kinds.set(value.name, role);
    graph.nodes.forEach((node, n) => {
      for (const { name } of outputValues(node))
        this.#kinds.set(name, phaseOf[n] === "forward" ? "activation" : "gradient");
    });
    for (const { value } of graph.outputs) this.#kinds.set(value.name, "output");
    for (const { state, next } of graph.updates) this.#kinds.set(next.name, this.#kinds.get(state.name)!);
  }

  number = (value: Value): number => {
    const { name } = value;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.values.push(this.#describe(value)) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  };

  #describe(value: Value): Numbered {
    const buffer = this.#buffers.get(value.name);
    const texture = this.#textures.get(value.name);
    const place = (p: { size: number; start: number; end: number }) => ({ size: p.size, start: p.start, end: p.end });
    return {
      name: value.name,
      type: formatType(value.type),
      bytes: bytesOf(value),
      kind: this.#kinds.get(value.name) ?? "temporary",
      ...(buffer && { buffer: { offset: buffer.offset, ...place(buffer) } }),
      ...(texture && { texture: { gpuTexture: texture.gpuTexture, ...place(texture) } }),
    };
  }
}
