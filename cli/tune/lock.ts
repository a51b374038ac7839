/** One at a time: a file beside another, there while somebody works on it. */
import { open, readFile, rm, stat } from "node:fs/promises";
import { fileError, isRunning } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";

/** ms */
const pause = 20;
/** Nobody needs longer than this to write down what was measured, ms. */
const patience = 30_000;

/** Runs `act` while no other process, and nobody else in this one, does so for the same path. */
export async function withLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const start = performance.now();
  while (!(await take(lock))) {
    if (performance.now() - start > patience)
      throw new KilnError("file", `${path} is in use by another kiln; where none is running, remove ${lock}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  try {
    return await act();
  } finally {
    await rm(lock, { force: true });
  }
}

/** False where somebody else has it. What a process left that has ended is removed, for the next try. */
async function take(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, "wx");
    await file.writeFile(`${process.pid}`);
    await file.close();
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(lock, "cannot be written", cause);
    if (await isAbandoned(lock)) await rm(lock, { force: true });
    return false;
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  try {
    const pid = Number(await readFile(lock, "utf8"));
    // Empty for the moment in which it is made.
    if (pid > 0) return !isRunning(pid);
    return Date.now() - (await stat(lock)).mtimeMs > patience;
  } catch {
    return false; // it is gone already
  }
}
