/** `navigator.gpu` as a tab has it, on the adapter that Kiln is measured on. Import it before a library that looks for one. */
import { chooseAdapter } from "../../runtime/node/adapters.ts";

/** Libraries ask `navigator.gpu` for an adapter, more than once, and each time must get one that is not used up. */
export function provideGpu(name: string): void {
  const gpu = {
    requestAdapter: async () => (await chooseAdapter(name)).gpu ?? null,
    getPreferredCanvasFormat: () => "bgra8unorm",
    wgslLanguageFeatures: new Set(),
  };
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "node" }, configurable: true });
  (globalThis as { self?: unknown }).self ??= globalThis;
}
