/** The ceiling of bytes that a report's roofline has. */
import { expect, test } from "vitest";
import { measureBandwidth } from "../../cli/bench/bandwidth.ts";
import { openDevice } from "../../runtime/node/device.ts";

test.each(["wasm", "lavapipe"])("a copy on %s moves bytes as fast as memory does", async (adapter) => {
  const opened = await openDevice({ adapter });
  const gigabytes = await measureBandwidth(opened);
  opened.device.destroy();
  // A software adapter's is the machine's: no slower than a disk, no faster than any memory.
  expect(gigabytes).toBeGreaterThan(0.2);
  expect(gigabytes).toBeLessThan(2000);
});
