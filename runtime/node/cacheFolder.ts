import { homedir } from "node:os";
import { join } from "node:path";

/** Where Kiln keeps what it can make, download or measure again: $XDG_CACHE_HOME/kiln, or ~/.cache/kiln. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "kiln");
}
