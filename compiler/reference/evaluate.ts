/**
 * What an ExprProgram means, in float64: the reference that kernels and schedules are compared with.
 *
 * Each definition becomes a JavaScript function of plain loops. f32 values are doubles and are not rounded; i32 and u32
 * are whole numbers.
 */
import { uniform as randomUniform } from "../../runtime/program/random.ts";
import type { Definition, ExprProgram } from "../ir/expr.ts";
import type { UniformName } from "../ir/scalar.ts";
import { elementCount, formatType, type Value } from "../ir/types.ts";
import { definitionSource } from "./source.ts";

export type Bindings = ReadonlyMap<Value, Float64Array>;
export type Uniforms = Readonly<Partial<Record<UniformName, number>>>;

type Loops = (
  tensors: readonly Float64Array[],
  uniforms: Uniforms,
  random: typeof randomUniform,
) => Float64Array[] | undefined;

/**
 * Evaluates every definition. `bindings` holds inputs and states, row-major; the result holds them and all that is
 * defined. Throws where a binding or a uniform is missing, or has another number of elements than its type.
 */
export function evaluate(program: ExprProgram, bindings: Bindings, uniforms: Uniforms = {}): Map<Value, Float64Array> {
  return compileReference(program)(bindings, uniforms);
}

/** The same in two halves, for programs that are run again and again. */
export function compileReference(
  program: ExprProgram,
): (bindings: Bindings, uniforms?: Uniforms) => Map<Value, Float64Array> {
  const compiled = program.definitions.map((definition) => ({ definition, ...compileDefinition(definition) }));
  return (bindings, uniforms = {}) => {
    const values = new Map<Value, Float64Array>(bindings);
    for (const { value } of [...program.inputs, ...program.states]) {
      const data = values.get(value);
      if (data && data.length !== elementCount(value.type.shape))
        throw new Error(`%${value.name} is ${formatType(value.type)}, but ${data.length} numbers were given`);
    }
    for (const { definition, loops, reads, uniformNames } of compiled) {
      for (const name of uniformNames)
        if (uniforms[name] === undefined) throw new Error(`%${definition.outputs[0].name} needs the uniform ${name}`);
      const tensors = [...definition.outputs, ...reads].map((value) => {
        if (definition.outputs.includes(value)) values.set(value, new Float64Array(elementCount(value.type.shape)));
        const data = values.get(value);
        if (!data) throw new Error(`%${definition.outputs[0].name} reads %${value.name}, which has no value`);
        return data;
      });
      loops(tensors, uniforms, randomUniform);
    }
    return values;
  };
}

const compileDefinition = (definition: Definition) => {
  const { source, reads, uniformNames } = definitionSource(definition);
  return { loops: new Function("T", "U", "random", source) as Loops, reads, uniformNames };
};
