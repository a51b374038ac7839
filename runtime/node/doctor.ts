import { KilnError } from "../program/error.ts";
import { chooseAdapter, type FoundAdapter, listAdapters } from "./adapters.ts";
import { addSwiftShader } from "./swiftshader.ts";

export interface DoctorAdapter
  extends Pick<FoundAdapter, "name" | "vendor" | "software" | "target" | "features" | "subgroupSizes"> {
  /** It is the one that commands will run on. */
  readonly used: boolean;
}

export interface DoctorReport {
  /** Best first. */
  readonly adapters: readonly DoctorAdapter[];
  /** Why the used one is used, or why there is none and what to do. */
  readonly why: string;
  /** Why the packaged SwiftShader is not to be had, where it is not. */
  readonly swiftShader: string | null;
  readonly ok: boolean;
}

/** What `kiln doctor` tells: every adapter found, and which one will be used and why. */
export async function diagnose(
  wanted: string | undefined = process.env.KILN_ADAPTER || undefined,
): Promise<DoctorReport> {
  const swiftShader = addSwiftShader();
  const found = await listAdapters({ packaged: true });
  let used: FoundAdapter | null = null;
  let why: string;
  try {
    used = await chooseAdapter(wanted);
    why = reason(used, wanted);
  } catch (error) {
    if (!(error instanceof KilnError)) throw error;
    why = error.message;
  }
  return {
    adapters: found.map((one): DoctorAdapter => {
      const { name, vendor, software, target, features, subgroupSizes } = one;
      return { name, vendor, software, target, features, subgroupSizes, used: used?.name === name };
    }),
    why,
    swiftShader,
    ok: used !== null,
  };
}

function reason(used: FoundAdapter, wanted: string | undefined): string {
  if (wanted !== undefined) return `${used.name}: chosen by name ("${wanted}")`;
  if (!used.software) return `${used.name}: a GPU`;
  return (
    `${used.name}: no GPU was found, and WebAssembly is the fastest without one. ` +
    "--adapter swiftshader (or lavapipe, where tools/install-lavapipe has installed it) runs the WGSL instead"
  );
}
