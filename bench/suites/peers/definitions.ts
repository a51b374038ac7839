/** Who is compared, and what each needs to be there. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Task } from "../../peers/protocol.ts";
import { root } from "../../report/paths.ts";

export interface PeerDefinition {
  readonly name: string;
  readonly title: string;
  readonly tasks: readonly Task[];
  /** Why it does not do the other task. */
  readonly without?: string;
  /** Runs before the first that counts: Kiln learns in two how long to leave a software driver alone, and PyTorch picks
   * its convolutions; the others have compiled all they will after one. */
  readonly warmUps: number;
  /** What to start, or why it cannot be. */
  command(): { readonly args: readonly string[] } | { readonly missing: string };
}

const peersFolder = join(root, "bench", "peers");

const script = (file: string, packages: readonly string[], ...args: string[]) => ({
  command: () => {
    const lacks = packages.filter((name) => !existsSync(join(peersFolder, "node_modules", name)));
    return lacks.length === 0
      ? { args: [process.execPath, join(peersFolder, "dist", `${file}.js`), ...args] }
      : { missing: `${lacks.join(", ")} is not installed: npm ci --prefix bench/peers` };
  },
});

/** A Python that has PyTorch: $KILN_PYTHON, the one on the path, or the system's. */
function pythonWithTorch(): string | null {
  const candidates = [process.env.KILN_PYTHON, "python3", "/usr/bin/python3"].filter((path) => path !== undefined);
  const has = (path: string) => spawnSync(path, ["-c", "import torch"], { stdio: "ignore" }).status === 0;
  return candidates.find(has) ?? null;
}

export const kiln: PeerDefinition = {
  name: "kiln",
  title: "Kiln",
  tasks: ["forward", "step"],
  warmUps: 2,
  ...script("kiln", []),
};

export const peers: readonly PeerDefinition[] = [
  {
    name: "pytorch",
    title: "PyTorch, CPU",
    tasks: ["forward", "step"],
    warmUps: 2,
    command: () => {
      const python = pythonWithTorch();
      return python === null
        ? { missing: "no python3 can import torch (Debian: python3-torch; KILN_PYTHON names another python)" }
        : { args: [python, join(peersFolder, "pytorch.py")] };
    },
  },
  {
    name: "jax-js",
    title: "jax-js, WebGPU",
    tasks: ["forward", "step"],
    warmUps: 1,
    ...script("jax", ["@jax-js/jax"]),
  },
  {
    name: "tfjs-webgpu",
    title: "TensorFlow.js, WebGPU",
    tasks: ["forward", "step"],
    warmUps: 1,
    ...script("tfjs", ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-webgpu"], "webgpu"),
  },
  {
    name: "tfjs-wasm",
    title: "TensorFlow.js, WebAssembly",
    tasks: ["forward"],
    without: "its backend has no gradient of a convolution's filter (Conv2DBackpropFilter)",
    warmUps: 1,
    ...script("tfjs", ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"], "wasm"),
  },
  {
    name: "onnx-wasm",
    title: "ONNX Runtime Web, WebAssembly",
    tasks: ["forward"],
    without: "it runs inference alone",
    warmUps: 1,
    ...script("onnx", ["onnxruntime-web", "onnx-proto"], "wasm"),
  },
  {
    name: "onnx",
    title: "ONNX Runtime Web, WebGPU",
    tasks: ["forward"],
    without: "it runs inference alone",
    warmUps: 1,
    ...script("onnx", ["onnxruntime-web", "onnx-proto"], "webgpu"),
  },
];
