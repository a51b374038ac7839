import { KilnError } from "../program/error.ts";
import type { Artifact, Program, ProgramKernel } from "../program/schema.ts";
import { scoped } from "./device.ts";

/** Kernels and their texts: an artifact, or less. */
export interface KernelSource {
  readonly program: Pick<Program, "kernels">;
  readonly kernels: Artifact["kernels"];
}

/** Compute pipelines of a program's kernels, by index. */
export type Pipelines = ReadonlyMap<number, GPUComputePipeline>;

/**
 * Builds the pipelines of `kernels` (indices into the program's list), all at once. Kernels of the same text share a
 * module, those of the same text and entry point a pipeline. Throws KilnError with kernel, file, line and what the
 * device says.
 */
export async function buildPipelines(
  device: GPUDevice,
  artifact: KernelSource,
  kernels: Iterable<number>,
): Promise<Pipelines> {
  const modules = new Map<string, Promise<GPUShaderModule>>();
  const layouts = new Map<string, Promise<GPUPipelineLayout>>();
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();

  const moduleOf = (kernel: ProgramKernel): Promise<GPUShaderModule> => {
    const code = artifact.kernels[kernel.file];
    if (code === undefined)
      throw new KilnError("artifact", `${kernel.file} is missing; kernel ${kernel.name} is in it`);
    let module = modules.get(code);
    if (!module) {
      module = shaderModule(device, code, kernel);
      modules.set(code, module);
    }
    return module;
  };
  const layoutOf = (kernel: ProgramKernel): Promise<GPUPipelineLayout> => {
    const key = signature(kernel);
    let layout = layouts.get(key);
    if (!layout) {
      layout = pipelineLayout(device, kernel);
      layouts.set(key, layout);
    }
    return layout;
  };
  const pipelineOf = (kernel: ProgramKernel): Promise<GPUComputePipeline> => {
    const key = JSON.stringify([artifact.kernels[kernel.file], kernel.entryPoint, signature(kernel)]);
    let pipeline = pipelines.get(key);
    if (!pipeline) {
      pipeline = computePipeline(device, moduleOf(kernel), layoutOf(kernel), kernel);
      pipelines.set(key, pipeline);
    }
    return pipeline;
  };

  const jobs = [...new Set(kernels)].map(
    async (index) => [index, await pipelineOf(artifact.program.kernels[index])] as const,
  );
  // All settle before the first failure is thrown, so that none is left to fail unheard.
  const settled = await Promise.allSettled(jobs);
  for (const job of settled) if (job.status === "rejected") throw job.reason;
  return new Map(await Promise.all(jobs));
}

const signature = (kernel: ProgramKernel) => kernel.bindings.map((binding) => binding.access).join();

const bindingTypes = {
  read: { buffer: { type: "read-only-storage" } },
  read_write: { buffer: { type: "storage" } },
  uniform: { buffer: { type: "uniform" } },
  texture: { storageTexture: { access: "read-only", format: "rgba32float" } },
} as const;

async function pipelineLayout(device: GPUDevice, kernel: ProgramKernel): Promise<GPUPipelineLayout> {
  const { result, checked } = scoped(device, describe(kernel), () => {
    const group = device.createBindGroupLayout({
      entries: kernel.bindings.map(({ access }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        ...bindingTypes[access],
      })),
    });
    return device.createPipelineLayout({ bindGroupLayouts: [group] });
  });
  await checked;
  return result;
}

async function shaderModule(device: GPUDevice, code: string, kernel: ProgramKernel): Promise<GPUShaderModule> {
  const { result: module, checked } = scoped(device, describe(kernel), () =>
    device.createShaderModule({ label: labelOf(kernel), code }),
  );
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter((message) => message.type === "error");
  if (errors.length > 0) {
    const lines = errors.map((e) => `  ${kernel.file}:${e.lineNum}:${e.linePos}: ${e.message}`);
    throw new KilnError("validation", `${describe(kernel)} is not valid WGSL:\n${lines.join("\n")}\n${advice}`);
  }
  await checked;
  return module;
}

async function computePipeline(
  device: GPUDevice,
  module: Promise<GPUShaderModule>,
  pipelineLayout: Promise<GPUPipelineLayout>,
  kernel: ProgramKernel,
): Promise<GPUComputePipeline> {
  // Together: were one awaited before the other, a failure of the other would go unheard.
  const [shader, layout] = await Promise.all([module, pipelineLayout]);
  const compute = { module: shader, entryPoint: kernel.entryPoint };
  try {
    return await device.createComputePipelineAsync({ label: labelOf(kernel), layout, compute });
  } catch (cause) {
    const { message } = cause as Error;
    throw new KilnError("validation", `${describe(kernel)}: the adapter refuses it: ${message.trim()}\n${advice}`, {
      cause,
    });
  }
}

/** What a GPU debugger shows: `conv2d_relu_2 (models/alexnet.ts:10)`. */
export const labelOf = ({ name, sources }: ProgramKernel): string =>
  sources.length > 0 ? `${name} (${sources.join(", ")})` : name;

function describe(kernel: ProgramKernel): string {
  const from = kernel.sources.length > 0 ? `, made from ${kernel.sources.join(", ")}` : "";
  return `kernel ${kernel.name} (${kernel.file}${from})`;
}

const advice = "This is a fault of the compiler or of a changed artifact: compile the model again, or report it.";
