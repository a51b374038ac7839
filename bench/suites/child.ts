/** Measurements in processes of their own, which tell what they found as JSON on file descriptor 3. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { root } from "../report/paths.ts";

/** A script of bench/children, as it is bundled. */
export const childScript = (name: string): string => join(root, "dist", "bench", `${name}.js`);

/** Runs node; gives what it found and how long it took. Throws an Error with what it said where it fails. */
export async function measureInChild<Found>(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<{ found: Found; wallMs: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  let [said, told] = ["", ""];
  child.stderr!.on("data", (text) => {
    said += text;
  });
  (child.stdio[3] as Readable).on("data", (text) => {
    told += text;
  });
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(signal ?? code));
  });
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${said.trim()}`);
  return { found: JSON.parse(told) as Found, wallMs: performance.now() - start };
}
