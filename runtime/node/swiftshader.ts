/**
 * SwiftShader, a software Vulkan driver, and a Vulkan loader, both from the npm package @sparticuz/chromium (an optional
 * dependency; linux-x64 only): so Kiln runs on a machine with no Vulkan at all.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { basename, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { cacheFolder } from "./cacheFolder.ts";

const wanted = ["libvk_swiftshader.so", "libvulkan.so.1", "vk_swiftshader_icd.json"];

let added: string | null | undefined;

/**
 * Makes the packaged SwiftShader known to Vulkan in this process, beside the drivers that the system has. Call it on the
 * main thread: a worker's environment does not reach the Vulkan loader. Returns null where it worked, else why not.
 */
export function addSwiftShader(): string | null {
  added ??= add();
  return added || null;
}

function add(): string {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `the packaged SwiftShader is for linux-x64, this is ${process.platform}-${process.arch}`;
  let archive: string;
  try {
    // The package exports its main module alone; its archives lie beside the build.
    const main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
    archive = join(main.slice(0, main.lastIndexOf("/build/")), "bin", "swiftshader.tar.br");
  } catch {
    return "the optional package @sparticuz/chromium is not installed (npm install --include=optional)";
  }
  let folder: string;
  try {
    folder = unpack(archive);
  } catch (error) {
    return `SwiftShader cannot be unpacked: ${(error as Error).message}`;
  }
  // The first two, where someone has set them, replace the system's drivers and the third with them.
  const variables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"];
  const variable = variables.find((name) => process.env[name]) ?? "VK_ADD_DRIVER_FILES";
  const driver = join(folder, "vk_swiftshader_icd.json");
  process.env[variable] = [process.env[variable], driver].filter(Boolean).join(":");
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  const RTLD_NODELETE = 0x1000; // Node unloads what turns out to be no addon; the loader must stay
  try {
    process.dlopen({ exports: {} }, join(folder, "libvulkan.so.1"), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  } catch (error) {
    // It is loaded; that it registers no addon is expected.
    if (!/did not self-register/.test((error as Error).message)) return (error as Error).message;
  }
  return "";
}

/** The folder with the driver's files; unpacked on first use. */
function unpack(archive: string): string {
  const cache = cacheFolder();
  const folder = join(cache, `swiftshader-${statSync(archive).size}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Aside, then renamed: several processes may do this at once.
  const aside = mkdtempSync(`${folder}.tmp`);
  for (const [name, content] of tarFiles(brotliDecompressSync(readFileSync(archive))))
    if (wanted.includes(basename(name))) writeFileSync(join(aside, basename(name)), content, { mode: 0o755 });
  try {
    renameSync(aside, folder);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** The regular files of a ustar archive: 512-byte headers with name at 0, size (octal) at 124, type at 156. */
export function* tarFiles(archive: Buffer): Generator<readonly [name: string, content: Buffer]> {
  const block = 512;
  for (let at = 0; at + block <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 136), 8) || 0;
    const type = archive[at + 156];
    if (type === 0x30 || type === 0)
      yield [
        archive.toString("utf8", at, at + 100).replace(/\0.*$/s, ""),
        archive.subarray(at + block, at + block + size),
      ];
    at += block + Math.ceil(size / block) * block;
  }
}
