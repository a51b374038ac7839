/** Whether the system has a Vulkan driver at all: without one, asking for an adapter only makes Dawn print warnings. */
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const list = (text: string | undefined): string[] => (text ?? "").split(":").filter(Boolean);

/**
 * True where a driver's manifest lies in one of the places in which the Vulkan loader looks on Linux, or a variable names
 * one (Vulkan-Loader, LoaderDriverInterface.md, "Driver Discovery on Linux"); true on other systems, which have their own
 * ways.
 */
export function hasVulkanDriver(): boolean {
  if (process.platform !== "linux") return true;
  const { env } = process;
  const named = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
  if (named) return list(named).some(existsSync);
  const home = homedir();
  const folders = [
    env.XDG_CONFIG_HOME || join(home, ".config"),
    ...list(env.XDG_CONFIG_DIRS || "/etc/xdg"),
    "/etc",
    "/usr/local/etc",
    env.XDG_DATA_HOME || join(home, ".local/share"),
    ...list(env.XDG_DATA_DIRS || "/usr/local/share:/usr/share"),
  ];
  const manifests = [...folders.map((folder) => join(folder, "vulkan/icd.d")), ...list(env.VK_ADD_DRIVER_FILES)];
  return manifests.some(hasManifest);
}

/** A variable may name a manifest or a folder of them. */
function hasManifest(path: string): boolean {
  if (path.endsWith(".json")) return existsSync(path);
  try {
    return readdirSync(path).some((name) => name.endsWith(".json"));
  } catch {
    return false;
  }
}
