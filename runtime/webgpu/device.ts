import { FailureWatch, lostError } from "../failure.ts";
import { formatBytes, KilnError } from "../program/error.ts";
import { type Target, wgslStorageTextures } from "../program/schema.ts";
import { type TextureExtent, textureBytes } from "../program/texture.ts";

/** Features of a target that the language has, not the device: WebGPU knows them by navigator.gpu. */
const ofLanguage = (feature: string): boolean => feature === wgslStorageTextures;

/**
 * Throws KilnError naming everything that a device or an adapter lacks of what a program was compiled for. What WGSL can
 * do is asked of navigator.gpu; where there is none, building the kernels will say it.
 */
export function requireTarget(device: GPUDevice | GPUAdapter, target: Target): void {
  const info = "adapterInfo" in device ? device.adapterInfo : device.info;
  const lacks: string[] = [];
  const language = globalThis.navigator?.gpu?.wgslLanguageFeatures;
  for (const feature of target.features) {
    const has = ofLanguage(feature) ? (language?.has(feature) ?? true) : device.features.has(feature as GPUFeatureName);
    if (!has) lacks.push(`the feature ${feature}`);
  }
  for (const [limit, wanted] of Object.entries(target.limits)) {
    const has = device.limits[limit as keyof typeof target.limits];
    if (has < wanted) lacks.push(`${limit} ${wanted} (it has ${has})`);
  }
  const { subgroupMinSize: min, subgroupMaxSize: max } = info;
  const size = target.subgroupSize;
  if (size !== null && !(min === size && max === size))
    lacks.push(`subgroups of ${size} (its own are of ${min === max ? min : `${min} to ${max}`})`);
  if (lacks.length > 0)
    throw new KilnError(
      "adapter",
      `the program was compiled for ${target.name}; the adapter ${adapterName(info)} lacks ` +
        `${lacks.join(", ")}. Compile the model for this adapter, or for the target "portable".`,
    );
}

/** The browser's default adapter's device, with what a program was compiled for. */
export async function requestGpuDevice(
  target: Target,
  gpu: GPU | undefined = globalThis.navigator?.gpu,
): Promise<GPUDevice> {
  if (!gpu)
    throw new KilnError("adapter", "this browser has no WebGPU, or the page is not a secure one (https, or localhost)");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter)
    throw new KilnError("adapter", "the browser found no WebGPU adapter; see chrome://gpu or about:support");
  requireTarget(adapter, target);
  return adapter.requestDevice({
    requiredLimits: { ...target.limits },
    requiredFeatures: target.features.filter((feature) => !ofLanguage(feature)) as GPUFeatureName[],
  });
}

/** A name for people: the driver's description where there is one. */
export const adapterName = (info: GPUAdapterInfo): string =>
  info.description || info.device || [info.vendor, info.architecture].filter(Boolean).join(" ") || "unknown";

/**
 * Watches a device: once it is lost, or reports an error that nobody waited for, every pending and later operation fails
 * with that one error.
 */
export class DeviceWatch extends FailureWatch {
  readonly #onError = (event: GPUUncapturedErrorEvent) => {
    event.preventDefault();
    this.fail(deviceError(event.error, "the device reported an error"));
  };

  constructor(readonly device: GPUDevice) {
    super();
    device.addEventListener("uncapturederror", this.#onError);
    device.lost.then((info) =>
      this.fail(
        lostError(
          info.reason === "destroyed" ? "it was destroyed" : info.message.trim() || "the driver gave no reason",
        ),
      ),
    );
  }

  override async wait<T>(promise: Promise<T>): Promise<T> {
    try {
      return await super.wait(promise);
    } catch (error) {
      // A map is refused a moment before `lost` says why.
      if (!(error instanceof KilnError)) await Promise.race([this.device.lost, soon()]);
      this.check();
      throw error;
    }
  }

  stop(): void {
    this.device.removeEventListener("uncapturederror", this.#onError);
  }
}

const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

/** A GPUError as KilnError; `what` says what was being done. */
export function deviceError(error: GPUError, what: string): KilnError {
  if (error instanceof GPUOutOfMemoryError)
    return new KilnError(
      "out-of-memory",
      `${what}: out of memory. Use a smaller batch, or an adapter with more memory. ${error.message}`.trim(),
    );
  return new KilnError("validation", `${what}: ${error.message.trim()}`);
}

/**
 * Runs `act` with error scopes around it; what the device has to say of it comes back as a promise that rejects with a
 * KilnError. `act` is synchronous, so scopes of several callers nest properly.
 */
export function scoped<T>(device: GPUDevice, what: string, act: () => T): { result: T; checked: Promise<void> } {
  const filters = ["validation", "out-of-memory", "internal"] as const;
  for (const filter of filters) device.pushErrorScope(filter);
  let result: T;
  let scopes: Promise<GPUError | null>[];
  try {
    result = act();
  } finally {
    scopes = filters.map(() => device.popErrorScope());
  }
  const checked = Promise.all(scopes).then((errors) => {
    const error = errors.find((e) => e !== null);
    if (error) throw deviceError(error, what);
  });
  checked.catch(() => {}); // whoever asked awaits it; a failure before that is no unhandled rejection
  return { result, checked };
}

/** Buffers and textures made together, each under error scopes of its own so that a failure names it. */
export class Allocator {
  readonly #made: (GPUBuffer | GPUTexture)[] = [];
  readonly #checks: Promise<void>[] = [];
  #bytes = 0;

  constructor(readonly device: GPUDevice) {}

  /** Of all that was made so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `bytes` is rounded up to whole words. */
  create(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const size = Math.ceil(bytes / 4) * 4;
    return this.#make(label, size, () => this.device.createBuffer({ label, size, usage }));
  }

  /** A texture that is filled by copies and read by kernels; see program/texture.ts. */
  createTexture(label: string, extent: TextureExtent): GPUTexture {
    const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST;
    return this.#make(label, textureBytes(extent), () =>
      this.device.createTexture({ label, size: { ...extent }, format: "rgba32float", usage }),
    );
  }

  #make<T extends GPUBuffer | GPUTexture>(label: string, bytes: number, make: () => T): T {
    const { result, checked } = scoped(this.device, `${label} (${formatBytes(bytes)})`, make);
    this.#made.push(result);
    this.#checks.push(checked);
    this.#bytes += bytes;
    return result;
  }

  /** Throws KilnError naming the first that could not be made. */
  async checked(): Promise<void> {
    await Promise.all(this.#checks);
  }

  destroy(): void {
    for (const made of this.#made) made.destroy();
  }
}
