import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { cacheFolder } from "../../runtime/node/cacheFolder.ts";
import { tarFiles } from "../../runtime/node/swiftshader.ts";

/**
 * Chromium with WebGPU on SwiftShader: $KILN_CHROMIUM, else the headless shell that the npm package @sparticuz/chromium
 * carries, else the system's.
 */
export async function launchChromium(): Promise<Browser> {
  const { path, libraries } = findChromium();
  return chromium.launch({
    executablePath: path,
    // Without the first flag there is no adapter on SwiftShader; as root there is no sandbox.
    args: ["--enable-unsafe-webgpu", "--no-sandbox"],
    env: { ...process.env, ...(libraries && { LD_LIBRARY_PATH: libraries }) } as Record<string, string>,
  });
}

function findChromium(): { path: string; libraries?: string } {
  if (process.env.KILN_CHROMIUM) return { path: process.env.KILN_CHROMIUM };
  const packaged = unpack();
  if (packaged) return { path: join(packaged, "chromium"), libraries: packaged };
  for (const path of ["/usr/bin/chromium", "/usr/bin/google-chrome"]) if (existsSync(path)) return { path };
  throw new Error("no Chromium: install the optional package @sparticuz/chromium, or set KILN_CHROMIUM to one");
}

/** The packaged shell, its libraries and SwiftShader, flat in one folder; null where the package is not installed. */
function unpack(): string | null {
  if (process.platform !== "linux" || process.arch !== "x64") return null;
  let archives: string;
  try {
    const main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
    archives = join(main.slice(0, main.lastIndexOf("/build/")), "bin");
  } catch {
    return null;
  }
  const read = (name: string) => brotliDecompressSync(readFileSync(join(archives, name)));
  const folder = join(cacheFolder(), `chromium-${statSync(join(archives, "chromium.br")).size}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  const aside = mkdtempSync(`${folder}.tmp`);
  writeFileSync(join(aside, "chromium"), read("chromium.br"), { mode: 0o755 });
  for (const archive of ["al2023.tar.br", "swiftshader.tar.br"])
    for (const [name, content] of tarFiles(read(archive)))
      writeFileSync(join(aside, basename(name)), content, { mode: 0o755 });
  try {
    renameSync(aside, folder);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // another process was first
  }
  return folder;
}
