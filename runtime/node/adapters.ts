/** Finds WebGPU adapters through dawn-node ("webgpu") and chooses one. */
import { create, globals } from "webgpu";
import type { Device } from "../device.ts";
import { KilnError } from "../program/error.ts";
import { type Target, type TargetClass, wgslStorageTextures } from "../program/schema.ts";
import { adapterName } from "../webgpu/device.ts";
import { WebGpuDevice } from "../webgpu/index.ts";
import { addSwiftShader } from "./swiftshader.ts";
import { hasVulkanDriver } from "./vulkanDrivers.ts";
import { wasmAdapter } from "./wasm.ts";

Object.assign(globalThis, globals);

/** GPU objects live as long as the process: Dawn crashes where one is collected while it still has something to do. */
const registry = globalThis as Record<symbol, GPU[] | undefined>;
const registryKey = Symbol.for("kiln.gpu");
registry[registryKey] ??= [];
const kept = registry[registryKey];

function gpuWith(...flags: string[]): GPU {
  const gpu = create(flags);
  kept.push(gpu);
  return gpu;
}

export interface FoundAdapter {
  /** As its driver describes it. */
  readonly name: string;
  readonly class: TargetClass;
  /** A software adapter runs on the processor. */
  readonly software: boolean;
  /** Who makes it, and what of theirs it is. */
  readonly vendor: string;
  /** Vendor, architecture and device: what tells it from others, whatever the driver's version. */
  readonly identity: string;
  /** The driver and its version. */
  readonly driver: string;
  /** All that it offers, also what Kiln does not use. */
  readonly features: readonly string[];
  readonly subgroupSizes: readonly [min: number, max: number] | null;
  /** For the compiler. */
  readonly target: Target;
  /** WebGPU's own, where it is one. */
  readonly gpu?: GPUAdapter;
  /** Opens a device with all that Kiln can use; throws KilnError where it lacks one of the features required. */
  open(requireFeatures?: readonly GPUFeatureName[]): Promise<Device>;
}

/** "lavapipe" and "swiftshader" by the driver's name, otherwise by what the adapter says of itself. */
export function classOf(info: GPUAdapterInfo): TargetClass {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  if (text.includes("llvmpipe")) return "lavapipe";
  if (text.includes("swiftshader")) return "swiftshader";
  if (/\b(arm|qualcomm|img-tec|imagination)\b/.test(text)) return "mobile";
  // WebGPU does not tell discrete from integrated; among vendors that make both, Intel's are mostly integrated.
  if (/\b(intel|apple)\b/.test(text)) return "integrated";
  return "discrete";
}

/** Describes an adapter as the compiler wants it: class, limits, features, subgroup size. */
function describeAdapter(adapter: GPUAdapter, languageFeatures: WGSLLanguageFeatures): Target {
  const { info, limits, features } = adapter;
  const kind = classOf(info);
  return {
    name: kind === "lavapipe" || kind === "swiftshader" ? kind : adapterName(info),
    class: kind,
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    },
    features: [
      ...(features.has("subgroups") ? ["subgroups"] : []),
      ...(languageFeatures.has(wgslStorageTextures) ? [wgslStorageTextures] : []),
    ],
    subgroupSize: info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMinSize ?? null) : null,
  };
}

/** Real GPUs first, then WebAssembly, then lavapipe, then SwiftShader. */
const rank = (kind: TargetClass): number => ["wasm", "lavapipe", "swiftshader"].indexOf(kind) + 1;

/** Timestamps in nanoseconds, not rounded to 65536 of them. */
const flags = ["disable-dawn-features=timestamp_quantization"];

/** Dawn says so, and which adapters there are, where no adapter has the name asked for. */
const nothingFound = /no suitable backends found/;

/** Names of the adapters that Dawn can open. */
async function adapterNames(): Promise<string[]> {
  try {
    await gpuWith("adapter=?").requestAdapter();
    return [];
  } catch (error) {
    const { message } = error as Error;
    if (!nothingFound.test(message)) throw error;
    return [...new Set(Array.from(message.matchAll(/name: '([^']*)'/g), (match) => match[1]))];
  }
}

/** The first adapter whose name contains `name`; Dawn's own first choice for null. */
async function openAdapter(name: string | null): Promise<FoundAdapter | null> {
  const gpu = gpuWith(...flags, ...(name === null ? [] : [`adapter=${name}`]));
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch((error: Error) => {
    if (nothingFound.test(error.message)) return null;
    throw error;
  });
  if (!adapter) return null;
  const { info, features } = adapter;
  const kind = classOf(info);
  const target = describeAdapter(adapter, gpu.wgslLanguageFeatures);
  const { subgroupMinSize: min, subgroupMaxSize: max } = info;
  return {
    name: adapterName(info),
    class: kind,
    software: info.isFallbackAdapter || rank(kind) > 0,
    vendor: [info.vendor, info.architecture].filter(Boolean).join(" "),
    identity: [info.vendor, info.architecture, info.device].filter(Boolean).join(" "),
    driver: info.description,
    features: [...features].sort(),
    subgroupSizes: min === undefined || max === undefined ? null : [min, max],
    target,
    gpu: adapter,
    open: (requireFeatures = []) => openGpu(adapter, target, requireFeatures),
  };
}

async function openGpu(
  adapter: GPUAdapter,
  target: Target,
  requireFeatures: readonly GPUFeatureName[],
): Promise<WebGpuDevice> {
  const lacks = requireFeatures.filter((feature) => !adapter.features.has(feature));
  if (lacks.length > 0)
    throw new KilnError("adapter", `the adapter ${adapterName(adapter.info)} lacks ${lacks.join(", ")}`);
  const wanted: GPUFeatureName[] = ["subgroups", "timestamp-query", ...requireFeatures];
  return new WebGpuDevice(
    await adapter.requestDevice({
      label: "kiln",
      requiredLimits: { ...target.limits },
      requiredFeatures: [...new Set(wanted)].filter((feature) => adapter.features.has(feature)),
    }),
  );
}

/**
 * Every adapter found, best first: real GPUs, WebAssembly, lavapipe, SwiftShader. `packaged` adds the packaged SwiftShader also where
 * there are others; without it that is added only where nothing else is found.
 */
export async function listAdapters(options: { packaged?: boolean } = {}): Promise<FoundAdapter[]> {
  if (options.packaged || !hasVulkanDriver()) addSwiftShader();
  let names = await adapterNames();
  if (names.length === 0 && addSwiftShader() === null) names = await adapterNames();
  const found = await Promise.all(names.map(openAdapter));
  return [...found.filter((adapter) => adapter !== null), wasmAdapter()].sort((a, b) => rank(a.class) - rank(b.class));
}

/** What the software drivers call their devices, by the names that Kiln gives them. */
const deviceNames: Record<string, string> = { lavapipe: "llvmpipe", swiftshader: "SwiftShader" };

/**
 * The adapter to use: the one that `wanted` names ("wasm", "lavapipe", "swiftshader", or part of a device's name, in either
 * case), or the best there is: a GPU, else WebAssembly. Where a program is compiled already, `target` is what for: without
 * a name it is one that runs such programs. Throws KilnError of kind "adapter" that says what to do.
 */
export async function chooseAdapter(
  wanted: string | undefined = process.env.KILN_ADAPTER || undefined,
  target?: Target,
): Promise<FoundAdapter> {
  const isWasm = target && target.class === "wasm";
  if (wanted === undefined && isWasm) return wasmAdapter();
  if (wanted?.toLowerCase() === "wasm") return wasmAdapter();
  const driver = hasVulkanDriver();
  if (wanted === undefined) {
    // Without a driver there is no GPU to be asked for.
    const first = driver ? await openAdapter(null) : null;
    if (first && rank(first.class) === 0) return first;
    if (!target) return wasmAdapter();
    // Dawn puts SwiftShader before lavapipe.
    if (first && first.class === "lavapipe") return first;
    const best = (await listAdapters()).find((adapter) => adapter.class !== "wasm");
    if (!best) throw noWebGpu(target);
    return best;
  }
  if (!driver) addSwiftShader();
  const key = wanted.toLowerCase();
  if (key === "swiftshader") addSwiftShader();
  const name =
    deviceNames[key] ?? (await adapterNames()).find((candidate) => candidate.toLowerCase().includes(key)) ?? null;
  const found = name === null ? null : await openAdapter(name);
  if (found) return found;
  const all = await listAdapters({ packaged: true });
  const described = all.find((adapter) => adapter.name.toLowerCase().includes(key));
  if (described) return described;
  const remedy =
    key === "lavapipe"
      ? " tools/install-lavapipe installs it (Debian, as root)."
      : key === "swiftshader"
        ? ` The packaged one cannot be used: ${addSwiftShader()}`
        : "";
  throw new KilnError(
    "adapter",
    `no adapter is named "${wanted}"; found: ${all.map((adapter) => adapter.name).join("; ")}.${remedy}`,
  );
}

/** What to do where a program for WebGPU has nothing to run on. */
function noWebGpu({ name }: Target): KilnError {
  const packaged = addSwiftShader();
  return new KilnError(
    "adapter",
    `the program was compiled for ${name}, and no WebGPU adapter was found: no GPU with a Vulkan, Metal or Direct3D ` +
      `driver, no lavapipe, and no SwiftShader${packaged ? ` (${packaged})` : ""}.\n` +
      "Compile it for WebAssembly, which needs none of them (--target wasm). Or, on Debian or Ubuntu, run " +
      "tools/install-lavapipe as root, or install your GPU's Vulkan driver; on linux-x64, npm install " +
      "--include=optional brings SwiftShader along.",
  );
}
