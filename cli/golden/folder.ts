/** The folder that goldens lie in: read and written, and never more touched than what golden.json lists. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileError } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";
import { formatManifest, type Manifest, manifestFile, parseManifest } from "./manifest.ts";

/** What golden.json says; null where there is none. */
export async function readManifest(dir: string): Promise<Manifest | null> {
  const text = await readGoldenText(dir, manifestFile);
  return text === null ? null : parseManifest(text, join(dir, manifestFile));
}

/** A file's bytes; null where there is none. */
export async function readGolden(dir: string, file: string): Promise<Buffer | null> {
  const path = join(dir, file);
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw fileError(path, "cannot be read", cause);
  }
}

/** A file's text with the line ends that Kiln writes, whatever a checkout made of them; null where there is none. */
export async function readGoldenText(dir: string, file: string): Promise<string | null> {
  return (await readGolden(dir, file))?.toString("utf8").replaceAll("\r\n", "\n") ?? null;
}

export interface Written {
  readonly written: number;
  /** Files that were there already as they should be. */
  readonly kept: number;
  readonly removed: readonly string[];
}

/**
 * Writes the files that are not there yet as they should be, then golden.json, then removes what `old` lists and `manifest`
 * does not. All are written aside before the first takes its place. Throws KilnError; a file that is in the way, and no
 * golden, is left alone.
 */
export async function writeGoldens(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  manifest: Manifest,
  old: Manifest | null,
): Promise<Written> {
  const changed: [string, string | Uint8Array][] = [];
  for (const [file, content] of Object.entries({ ...files, [manifestFile]: formatManifest(manifest) })) {
    const there = typeof content === "string" ? await readGoldenText(dir, file) : await readGolden(dir, file);
    if (typeof content === "string" ? there === content : there && Buffer.compare(there as Buffer, content) === 0)
      continue;
    if (there !== null && file !== manifestFile && !old?.files.includes(file))
      throw new KilnError(
        "file",
        `${join(dir, file)} is in the way: golden.json does not list it; move it, or name another --dir`,
      );
    changed.push([file, content]);
  }
  const aside = join(dir, `.golden.${process.pid}.${randomBytes(4).toString("hex")}`);
  try {
    for (const [file, content] of changed) {
      await mkdir(dirname(join(aside, file)), { recursive: true });
      await writeFile(join(aside, file), content);
    }
    for (const [file] of changed) {
      await mkdir(dirname(join(dir, file)), { recursive: true });
      await rename(join(aside, file), join(dir, file));
    }
    const removed = old?.files.filter((file) => !manifest.files.includes(file)) ?? [];
    for (const file of removed) await rm(join(dir, file), { force: true });
    for (const folder of new Set(removed.map((file) => dirname(file))))
      if (folder !== ".") await removeIfEmpty(join(dir, folder));
    return { written: changed.length, kept: manifest.files.length + 1 - changed.length, removed };
  } catch (cause) {
    throw fileError(dir, "the goldens cannot be written", cause);
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => {}); // the first failure is the one to tell
  }
}

/** A folder that holds something, or is gone, stays as it is. */
const removeIfEmpty = (folder: string): Promise<void> => rmdir(folder).catch(() => {});
