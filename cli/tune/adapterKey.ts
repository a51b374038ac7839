/** What an adapter is called in tuning records. */
import { cpus } from "node:os";
import type { Adapter } from "../../compiler/schedule/records.ts";
import type { FoundAdapter } from "../../runtime/node/adapters.ts";

/**
 * The adapter by what its driver says that it is, and the driver with its version (WebGPU's `description` holds it). A
 * software adapter is as fast as the processor, so that belongs to its name.
 */
export function adapterKey({ identity: own, driver, software }: FoundAdapter): Adapter {
  const [processor] = cpus();
  return {
    adapter: software ? `${own} on ${processor?.model.trim() ?? "a processor"} x ${cpus().length}` : own,
    driver,
  };
}
