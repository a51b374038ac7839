/** The described targets: what `--target` names, and what golden files are made for. */
import type { Target } from "../../runtime/program/schema.ts";
import { wasmTarget } from "../../runtime/program/wasmTarget.ts";
import discrete from "./discrete.json";
import fewBindings from "./few-bindings.json";
import integrated from "./integrated.json";
import lavapipe from "./lavapipe.json";
import mobile from "./mobile.json";
import { parseTarget } from "./parse.ts";
import portable from "./portable.json";
import smallBuffers from "./small-buffers.json";
import swiftshader from "./swiftshader.json";

/**
 * By name. portable: WebGPU's default limits and no feature, runs everywhere. lavapipe, swiftshader: Mesa 25 and
 * SwiftShader as dawn-node finds them. discrete, integrated, mobile: what such GPUs commonly have. small-buffers (64 MiB)
 * and few-bindings (4 storage buffers) keep the compiler honest about limits. wasm: WebAssembly with 128-bit SIMD, which
 * needs no driver; a workgroup there is one invocation.
 */
export const targets: ReadonlyMap<string, Target> = new Map(
  [portable, lavapipe, swiftshader, discrete, integrated, mobile, smallBuffers, fewBindings]
    .map((json) => parseTarget(json, `target ${json.name}`))
    .concat(wasmTarget)
    .map((target) => [target.name, target]),
);

/** The target of that name. Throws an Error that lists the names where there is none. */
export function loadTarget(name: string): Target {
  const target = targets.get(name);
  if (!target) throw new Error(`no target is called "${name}"; there are ${[...targets.keys()].join(", ")}`);
  return target;
}
