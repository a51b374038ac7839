/** What the figures were measured on, and with. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { formatBytes } from "../../runtime/program/error.ts";
import type { BenchContext } from "../suite.ts";
import { root } from "./paths.ts";

export interface Machine {
  /** Day of the run, ISO. */
  readonly date: string;
  /** Absent where only the compiler was measured. */
  readonly adapter?: string;
  readonly adapterClass?: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

const versionOf = (packageJson: string): string => JSON.parse(readFileSync(packageJson, "utf8")).version;

export function thisMachine(adapter?: BenchContext["adapter"]): Machine {
  const require = createRequire(join(root, "package.json"));
  return {
    date: new Date().toISOString().slice(0, 10),
    ...(adapter && { adapter: adapter.name, adapterClass: adapter.class }),
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryBytes: totalmem(),
    // The kernel's version, without what a distribution or a host calls its build.
    system: `${platform()} ${arch()} ${/^[\d.]+\d/.exec(release())?.[0] ?? release()}`,
    versions: {
      kiln: versionOf(join(root, "package.json")),
      node: process.versions.node,
      ...(adapter && { webgpu: versionOf(require.resolve("webgpu/package.json")) }),
    },
  };
}

export const describeMachine = (machine: Machine): string =>
  `${machine.date}${machine.adapter ? `, ${machine.adapter}` : ""}; ${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}; ` +
  `${machine.system}; ${Object.entries(machine.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ")}.`;
