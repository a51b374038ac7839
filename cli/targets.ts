/** `--target`: a described target by name, a JSON file's, or the adapter's. */
import { readFileSync } from "node:fs";
import { fileError } from "../runtime/node/files.ts";
import { KilnError } from "../runtime/program/error.ts";
import type { Target } from "../runtime/program/schema.ts";
import { UsageError } from "./errors.ts";

/** A target that an option describes, whatever adapter is at hand. */
export const describedTarget = (option: string): Promise<Target> =>
  resolveTarget(option, () => Promise.reject(new UsageError(`--target ${option} names the adapter in hand`)));

/** The target to compile for. `adapter` is asked for where the option names the adapter in hand. */
export async function resolveTarget(option: string, adapter: () => Promise<Target>): Promise<Target> {
  if (option === "adapter") return adapter();
  if (option.endsWith(".json")) return readTarget(option);
  const { targets } = await import("../compiler/index.ts");
  const target = targets.get(option);
  if (!target)
    throw new UsageError(
      `--target ${option}: there is no such target; there are ${[...targets.keys()].join(", ")}, ` +
        `"adapter" for the adapter in hand, and FILE.json`,
    );
  return target;
}

async function readTarget(path: string): Promise<Target> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw fileError(path, "the target's description cannot be read", cause);
  }
  const { parseTarget } = await import("../compiler/target/parse.ts");
  try {
    return parseTarget(JSON.parse(text), path);
  } catch (cause) {
    const { message } = cause as Error;
    throw new KilnError("file", message.startsWith(path) ? message : `${path}: ${message}`, { cause });
  }
}
