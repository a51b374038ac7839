/** Finds WebGPU adapters through dawn-node ("webgpu") and chooses one. */
import { create, globals } from "webgpu";
import { adapterName } from "../device.ts";
import { KilnError } from "../program/error.ts";
import { type Target, type TargetClass, wgslStorageTextures } from "../program/schema.ts";
import { addSwiftShader } from "./swiftshader.ts";
import { hasVulkanDriver } from "./vulkanDrivers.ts";

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
  readonly adapter: GPUAdapter;
  /** What WGSL can do beyond its first version. */
  readonly languageFeatures: WGSLLanguageFeatures;
  /** A software adapter runs on the processor. */
  readonly software: boolean;
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
export function describeAdapter({ adapter, languageFeatures }: FoundAdapter): Target {
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

/** Real GPUs first, then lavapipe, then SwiftShader. */
const rank = (kind: TargetClass): number => (kind === "swiftshader" ? 2 : kind === "lavapipe" ? 1 : 0);

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
  const kind = classOf(adapter.info);
  return {
    name: adapterName(adapter.info),
    class: kind,
    adapter,
    languageFeatures: gpu.wgslLanguageFeatures,
    software: adapter.info.isFallbackAdapter || rank(kind) > 0,
  };
}

/**
 * Every adapter found, best first: real GPUs, lavapipe, SwiftShader. `packaged` adds the packaged SwiftShader also where
 * there are others; without it that is added only where nothing else is found.
 */
export async function listAdapters(options: { packaged?: boolean } = {}): Promise<FoundAdapter[]> {
  if (options.packaged || !hasVulkanDriver()) addSwiftShader();
  let names = await adapterNames();
  if (names.length === 0 && addSwiftShader() === null) names = await adapterNames();
  const found = await Promise.all(names.map(openAdapter));
  return found.filter((adapter) => adapter !== null).sort((a, b) => rank(a.class) - rank(b.class));
}

/** What the software drivers call their devices, by the names that Kiln gives them. */
const deviceNames: Record<string, string> = { lavapipe: "llvmpipe", swiftshader: "SwiftShader" };

/**
 * The adapter to use: the one that `wanted` names ("lavapipe", "swiftshader", or part of a device's name, in either
 * case), or the best there is. Throws KilnError of kind "adapter" that says what to do.
 */
export async function chooseAdapter(
  wanted: string | undefined = process.env.KILN_ADAPTER || undefined,
): Promise<FoundAdapter> {
  if (!hasVulkanDriver()) addSwiftShader();
  if (wanted === undefined) {
    // Dawn's own first choice needs no list: only SwiftShader, which it puts before lavapipe, is worth a second look.
    const first = await openAdapter(null);
    if (first && first.class !== "swiftshader") return first;
    const [best] = await listAdapters();
    if (!best) throw noAdapter();
    return best;
  }
  const key = wanted.toLowerCase();
  if (key === "swiftshader") addSwiftShader();
  const name =
    deviceNames[key] ?? (await adapterNames()).find((candidate) => candidate.toLowerCase().includes(key)) ?? null;
  const found = name === null ? null : await openAdapter(name);
  if (found) return found;
  const all = await listAdapters({ packaged: true });
  if (all.length === 0) throw noAdapter();
  const described = all.find((adapter) => adapter.name.toLowerCase().includes(key));
  if (described) return described;
  const remedy = key === "lavapipe" ? " tools/install-lavapipe installs it (Debian, as root)." : "";
  throw new KilnError(
    "adapter",
    `no adapter is named "${wanted}"; found: ${all.map((adapter) => adapter.name).join("; ")}.${remedy}`,
  );
}

/** What to do where no adapter is found. */
export function noAdapter(): KilnError {
  const packaged = addSwiftShader();
  return new KilnError(
    "adapter",
    "no WebGPU adapter was found: no GPU with a Vulkan, Metal or Direct3D driver, no lavapipe, and no SwiftShader" +
      `${packaged ? ` (${packaged})` : ""}.\n` +
      "On Debian or Ubuntu, run tools/install-lavapipe as root for the fast software driver, or install your GPU's " +
      "Vulkan driver; on linux-x64, npm install --include=optional brings SwiftShader along.",
  );
}
