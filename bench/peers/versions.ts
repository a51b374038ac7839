/** Versions of installed packages; from bench/peers/dist/, where the peers are bundled to. */
import { readFileSync } from "node:fs";

export function versionsOf(...names: readonly string[]): Record<string, string> {
  const read = (name: string) => readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8");
  return Object.fromEntries(names.map((name) => [name, JSON.parse(read(name)).version]));
}
