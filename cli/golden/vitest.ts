/**
 * kiln/vitest: goldens of a model in a vitest suite. Importing it is enough; `expect.extend({ toMatchKiln })` does no harm.
 *
 * ```ts
 * import "kiln/vitest";
 * test("mine", () => expect("models/mine.ts").toMatchKiln({ dir: "golden/mine", batch: 4 }));
 * ```
 */
import { fileURLToPath } from "node:url";
import { expect, type MatcherResult, type MatcherState } from "vitest";
import { type OpenedDevice, openDevice } from "../../runtime/node/device.ts";
import { checkGolden, updateGolden } from "./golden.ts";
import { formatReport } from "./report.ts";
import { givenSettings, type SettingOptions } from "./settings.ts";

export interface MatchKilnOptions extends SettingOptions {
  /** The folder of goldens. A relative path, like the model's, is seen from the folder that vitest runs in. */
  readonly dir: string;
  /** What numbers are computed on: "wasm", "lavapipe", "swiftshader", or part of a device's name; where not given,
   * $KILN_ADAPTER, then the best there is. */
  readonly adapter?: string;
}

declare module "vitest" {
  // The parameters are vitest's own, and must be named as there.
  interface Matchers<T = any> {
    /**
     * Compares what Kiln makes of a model file, its path or URL, with the goldens in `dir`, as `kiln golden` does. They are
     * written where they are missing, and anew by `vitest run -u`; in CI missing ones are a failure.
     */
    toMatchKiln: (options: MatchKilnOptions) => Promise<void>;
  }
}

/** One device for all tests of a worker: it is kept to its end. */
const devices = new Map<string | undefined, Promise<OpenedDevice>>();

function deviceOf(adapter: string | undefined): Promise<OpenedDevice> {
  const opened = devices.get(adapter) ?? openDevice({ adapter });
  devices.set(adapter, opened);
  return opened;
}

/**
 * The matcher. `received` is a model file's path or URL. Fails with the differences, in the words of `kiln golden`. Rejects
 * with an Error where the model file has mistakes, where settings are not those that the goldens were written with, and
 * where no device can be opened for the numbers.
 */
export async function toMatchKiln(
  this: MatcherState,
  received: string | URL,
  options: MatchKilnOptions,
): Promise<Awaited<MatcherResult>> {
  if (this.isNot) throw new Error("not.toMatchKiln would be met by any change; say what the model shall match");
  const { dir, adapter } = options;
  const path = received instanceof URL ? fileURLToPath(received) : received;
  // Records of tuning are of this machine, and no part of a suite.
  const request = { path, dir, given: givenSettings(options), open: () => deviceOf(adapter), cache: false } as const;
  const update = this.snapshotState.snapshotUpdateState;
  const checked = update === "all" ? null : await checkGolden(request);
  if (!checked && update === "none")
    return { pass: false, message: () => `${dir} holds no goldens of ${path}; \`vitest run -u\` writes them` };
  if (!checked) {
    await updateGolden(request);
    return { pass: true, message: () => "" };
  }
  const { differences } = checked;
  const remedy = "If that is meant: vitest run -u";
  return { pass: differences.length === 0, message: () => formatReport(path, dir, differences, { remedy }) };
}

expect.extend({ toMatchKiln });
