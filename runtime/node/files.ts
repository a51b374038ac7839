import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { KilnError } from "../program/error.ts";

/** Writes `parts` one after another. Replaced in tests by one that fails. */
export type WriteParts = (file: FileHandle, parts: readonly Uint8Array[]) => Promise<void>;

const writeAll: WriteParts = async (file, parts) => {
  for (const part of parts) await file.writeFile(part);
};

/**
 * Writes a file so that at any moment, also after a crash, its path holds the old content or the new one whole: aside in
 * the same folder, synced, renamed. Throws KilnError of kind "file"; what was there before is left as it was.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | readonly Uint8Array[],
  write: WriteParts = writeAll,
): Promise<void> {
  const parts =
    typeof content === "string"
      ? [new TextEncoder().encode(content)]
      : content instanceof Uint8Array
        ? [content]
        : content;
  const folder = dirname(path);
  const aside = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(aside, "wx");
    try {
      await write(file, parts);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
    await syncFolder(folder);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => {}); // the first failure is the one to tell
    throw fileError(path, "cannot be written", cause);
  }
}

/** Makes a rename last. Not every system can: then the rename is as lasting as the system makes it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what an interrupted `writeFileAtomically` of an ended process left in a folder. Call it before writing there:
 * a file that bears this process's id is taken for an earlier process's that had the same. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^\..+\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name)?.[1];
    if (pid && (Number(pid) === process.pid || !isRunning(Number(pid)))) await rm(join(folder, name), { force: true });
  }
}

/** Whether a process with this id exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const reasons: Record<string, string> = {
  ENOENT: "it does not exist",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "part of the path is not a folder",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EFBIG: "it is too large for the file system",
};

/** A file system's error as KilnError: "runs/a.safetensors: cannot be written: the disk is full". */
export function fileError(path: string, what: string, cause: unknown): KilnError {
  if (cause instanceof KilnError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new KilnError("file", `${path}: ${what}: ${(code && reasons[code]) ?? message}`, { cause });
}
