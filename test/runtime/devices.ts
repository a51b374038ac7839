import { describe, vi } from "vitest";
import { listAdapters } from "../../runtime/node/adapters.ts";
import { openDevice } from "../../runtime/node/device.ts";

/** Software drivers compile slowly, more so on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const found = await listAdapters({ packaged: true });
if (found.length === 0) throw new Error("no WebGPU adapter was found, not even the packaged SwiftShader");

/** Names of the software drivers found, or of the first GPU. */
export const adapterNames = [
  ...new Set(found.map(({ class: kind, name }) => (/lavapipe|swiftshader/.test(kind) ? kind : name))),
];

/** Runs the tests on every adapter found. `open` gives a device of its own each time. */
export function onEveryAdapter(tests: (open: () => Promise<GPUDevice>, name: string) => void): void {
  describe.each(adapterNames)("on %s", (name) => {
    tests(async () => (await openDevice({ adapter: name })).device, name);
  });
}
