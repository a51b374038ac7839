/** What a folder of goldens is made of: kept in its golden.json, so that a check needs nothing but the folder. */
import { isAbsolute, relative, resolve } from "node:path";
import { KilnError } from "../../runtime/program/error.ts";
import type { EntryName } from "../../runtime/program/schema.ts";
import { UsageError } from "../errors.ts";
import type { Algorithm, Mode, Settings } from "../options.ts";

/** What a golden may show, the earliest first: where one differs, those behind it mostly do. */
export const stages = ["graph", "joint", "expr", "fused", "kernels", "plan", "work"] as const;
export type Stage = (typeof stages)[number];

export const entryNames: readonly EntryName[] = ["step", "forward", "gradients", "gradientsFromCotangent", "update"];

export interface GoldenSettings {
  /** A described target's name, or a JSON file as the folder of goldens sees it. */
  readonly target: string;
  readonly batch: number;
  readonly mode: Mode;
  readonly algorithm: Algorithm;
  readonly set: Settings;
  /** Compiled with velocities. */
  readonly momentum: boolean;
  readonly stages: readonly Stage[];
  /** Entry points whose kernels are kept beside those of the one that the stages are of. */
  readonly entries: readonly EntryName[];
  /** Kernels that are kept as text, by name, while the others are kept by hash; or all as text; or none at all. */
  readonly kernels: "all" | "none" | readonly string[];
  /** Whether outputs, loss and gradients are kept too. */
  readonly numbers: boolean;
  /** Of parameters, inputs and labels. */
  readonly seed: number;
}

/** Settings where a command line or a call may be silent. */
export type GivenSettings = { readonly [K in keyof GoldenSettings]?: GoldenSettings[K] | undefined };

/** Settings as options say them. */
export interface SettingOptions {
  /** A described target's name, or a JSON file: `portable` where nothing is said. */
  readonly target?: string;
  /** Pictures in a batch; 64 where nothing is said. A small one shows as much and is quicker. */
  readonly batch?: number;
  /** `train` where nothing is said. */
  readonly mode?: Mode;
  /** `auto` where nothing is said. */
  readonly algorithm?: Algorithm;
  /** Values of default parameters of the model's function. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /** Above 0: with velocities. */
  readonly momentum?: number;
  /** Stages that are kept; all but `work` where nothing is said. */
  readonly stages?: readonly Stage[];
  /** Entry points whose kernels are kept beside the step's. */
  readonly entries?: readonly EntryName[];
  /** Kernels that are kept: all as text (where nothing is said), all by hash, those named as text and the others by hash, or
   * none. */
  readonly kernels?: "all" | "hash" | "none" | readonly string[];
  /** Whether to keep outputs, loss and gradients; they are kept where nothing is said. */
  readonly numbers?: boolean;
  /** Of the numbers' parameters and inputs; where nothing is said, the first that suits. */
  readonly seed?: number;
}

/** Options as golden.json has them. Throws UsageError for a stage or an entry point that there is not. */
export const givenSettings = (options: SettingOptions): GivenSettings => ({
  target: options.target,
  batch: options.batch,
  mode: options.mode,
  algorithm: options.algorithm,
  set:
    options.set &&
    Object.fromEntries(
      Object.entries(options.set)
        .sort()
        .map(([name, value]) => [name, `${value}`]),
    ),
  momentum: options.momentum === undefined ? undefined : options.momentum > 0,
  stages: options.stages && known("stage", stages, options.stages),
  entries: options.entries && known("entry point", entryNames, options.entries),
  kernels: options.kernels === "hash" ? [] : options.kernels,
  numbers: options.numbers,
  seed: options.seed,
});

/** In the order of `all`. */
function known<T extends string>(what: string, all: readonly T[], wanted: readonly T[]): readonly T[] {
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no ${what} ${unknown}; there are ${all.join(", ")}`);
  return all.filter((name) => wanted.includes(name));
}

const usual = (mode: Mode): GoldenSettings => ({
  target: "portable",
  batch: 64,
  mode,
  algorithm: "auto",
  set: {},
  momentum: false,
  stages: stages.filter((stage) => stage !== "work" && (stage !== "joint" || mode === "train")),
  entries: [],
  kernels: "all",
  numbers: true,
  seed: 1,
});

/** Settings of a folder that is written: what is given, else what it had, else the usual. */
export function settingsToWrite(given: GivenSettings, stored: GoldenSettings | null): GoldenSettings {
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as GivenSettings;
  const settings = { ...usual(given.mode ?? stored?.mode ?? "train"), ...stored, ...said } as GoldenSettings;
  if (settings.target === "adapter")
    throw new UsageError(
      "--target adapter: goldens are the same on every machine, so their texts are made for a described target; " +
        "name one (portable, where nothing is said). Numbers are computed on the adapter in hand whatever the target.",
    );
  if (settings.mode === "infer" && settings.stages.includes("joint"))
    throw new UsageError("the stage joint is of training; name other --stages for --mode infer");
  if (settings.mode === "infer" && settings.entries.some((entry) => entry !== "forward"))
    throw new UsageError("--mode infer has the entry point forward alone; name no other --entries");
  return settings;
}

/** Throws KilnError where something given is not what the folder was written with. */
export function agree(dir: string, given: GivenSettings, stored: GoldenSettings): void {
  const differs = (Object.keys(given) as (keyof GoldenSettings)[])
    .filter((name) => given[name] !== undefined && JSON.stringify(given[name]) !== JSON.stringify(stored[name]))
    .map((name) => `  ${name} ${shown(given[name])}: it was written with ${shown(stored[name])}`);
  if (differs.length > 0)
    throw new KilnError(
      "usage",
      `${dir} holds goldens of other settings; leave the options out, or update it.\n${differs.join("\n")}`,
    );
}

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** A target as golden.json has it, from what an option says: a file's path is told from the folder of goldens. */
export const storedTarget = (option: string | undefined, dir: string): string | undefined =>
  option?.endsWith(".json") ? relative(dir, option).replaceAll("\\", "/") : option;

/** The option again. */
export const targetOption = (stored: string, dir: string): string =>
  stored.endsWith(".json") && !isAbsolute(stored) ? resolve(dir, stored) : stored;
