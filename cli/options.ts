/** Options that several commands share, and how their values are read. */
import { type Command, InvalidArgumentError, Option } from "commander";

export type Mode = "train" | "infer";
export type Algorithm = "auto" | "direct" | "fast";
export type Settings = Readonly<Record<string, string>>;

/** What says how a model is compiled; undefined where the command line is silent. */
export interface ModelOptions {
  readonly set?: Settings;
  readonly batch?: number;
  readonly mode?: Mode;
  /** A described target's name, a JSON file, or "adapter". */
  readonly target?: string;
  readonly algorithm?: Algorithm;
  /** Bytes. */
  readonly memoryLimit?: number;
  /** File of tuning records; false: none. */
  readonly cache?: string | false;
}

export interface DeviceOptions {
  readonly adapter?: string;
}

/** An integer from `least` to `most`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `An integer of at least ${least} is expected.`
          : `An integer from ${least} to ${most} is expected.`,
      );
    return value;
  };
}

/** A finite number of at least 0. */
export function amount(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError("A number of at least 0 is expected.");
  return value;
}

/** `name=value`, added to those before. */
export function setting(text: string, others: Settings = {}): Settings {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("A setting is written name=value.");
  return { ...others, [text.slice(0, at)]: text.slice(at + 1) };
}

const units: Readonly<Record<string, number>> = {
  "": 1,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/** 134217728, 128MiB, 0.5GiB, 100MB: bytes, a whole number of at least 1. */
export function byteCount(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?|\.\d+) *([kmg]i?b)?$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(number) * units[(unit ?? "").toUpperCase()]);
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new InvalidArgumentError("Bytes are expected: 134217728, 128MiB, 0.5GiB, 100MB.");
  return bytes;
}

export const memoryLimitOption = (what: string): Option =>
  new Option(
    "--memory-limit <bytes>",
    `what ${what} may take beside the parameters, as 128MiB or in bytes: kernels run again, or for a few pictures at a time, where that saves memory`,
  ).argParser(byteCount);

/** --set, --batch, --mode, --target, --algorithm, --memory-limit, --cache. `target` says what is compiled for where it is not given. */
export function addModelOptions(command: Command, target = "the adapter in hand"): Command {
  return command
    .addOption(
      new Option(
        "--set <name=value>",
        "value of a default parameter of the model's function; may be repeated",
      ).argParser(setting),
    )
    .addOption(new Option("--batch <n>", "pictures in a batch (64 where not said)").argParser(integer(1)))
    .addOption(new Option("--mode <mode>", "what to compile (train where not said)").choices(["train", "infer"]))
    .addOption(
      new Option(
        "--target <name>",
        `what to compile for: a described target, a JSON file, or "adapter", the adapter in hand (${target} where not said)`,
      ),
    )
    .addOption(
      new Option("--algorithm <kind>", "algorithms of contractions (auto where not said)").choices([
        "auto",
        "direct",
        "fast",
      ]),
    )
    .addOption(memoryLimitOption("the plan of a step (forward pass in infer mode)"))
    .option(
      "--cache <file>",
      "tuning records for the adapter in hand (else $KILN_TUNING_CACHE, else kiln/tuning.json in the cache folder)",
    )
    .option("--no-cache", "compile with the default schedules, whatever was measured");
}

export const addAdapterOption = (command: Command): Command =>
  command.option(
    "--adapter <name>",
    "wasm, lavapipe, swiftshader, or part of a device's name (else $KILN_ADAPTER, else the best there is)",
  );

export const jsonOption = (what = "print the result as JSON to stdout"): Option => new Option("--json", what);

export const modelArgument =
  "a model file (model.ts), text IR (program.kir, from kiln inspect) or an artifact's folder (from kiln compile)";
