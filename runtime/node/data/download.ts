/** Fetching CIFAR-10's official archive: one file, checked and unpacked aside, then renamed into place. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { cifar10Files } from "./cifar10.ts";
import type { OnProgress } from "./dataSet.ts";

export interface Archive {
  readonly url: string;
  readonly bytes: number;
  readonly md5: string;
}

/** As published on https://www.cs.toronto.edu/~kriz/cifar.html. */
export const cifar10Archive: Archive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  bytes: 170_052_171,
  md5: "c32a1d4ab5d03f1284b67883e8d87530",
};

/** A server that does not answer, or sends nothing for this long, is given up. */
const patienceMs = 10_000;
/** Folders beside the target where a download is under way; older ones were left by a process that was killed. */
const asidePrefix = ".download-";
const staleMs = 24 * 60 * 60 * 1000;

/**
 * Downloads the archive and unpacks its batch files into `folder`, which appears complete or not at all.
 * @throws Error with a reason in words: no network, no answer in time, not the published archive, no room
 */
export async function downloadCifar10(
  folder: string,
  { archive = cifar10Archive, onProgress }: { archive?: Archive; onProgress?: OnProgress } = {},
): Promise<void> {
  const cache = dirname(folder);
  await mkdir(cache, { recursive: true });
  await removeStale(cache);
  const aside = await mkdtemp(join(cache, asidePrefix));
  try {
    const file = join(aside, "archive.tar.gz");
    await fetchArchive(archive, file, onProgress);
    const unpacked = join(aside, basename(folder));
    await mkdir(unpacked);
    await unpack(file, unpacked);
    await rename(unpacked, folder).catch(async (error) => {
      if (!(await isFolder(folder))) throw error; // else another process was faster
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

async function removeStale(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(asidePrefix)) continue;
    const folder = join(cache, name);
    if (Date.now() - (await stat(folder)).mtimeMs > staleMs) await rm(folder, { recursive: true, force: true });
  }
}

async function fetchArchive(archive: Archive, file: string, onProgress?: OnProgress): Promise<void> {
  const abort = new AbortController();
  const giveUp = () => abort.abort(new Error(`nothing came for ${patienceMs / 1000} s`));
  let timer = setTimeout(giveUp, patienceMs);
  const out = await open(file, "wx");
  try {
    const response = await fetch(archive.url, { signal: abort.signal });
    if (!response.ok || !response.body)
      throw new Error(`the server answered ${response.status} ${response.statusText}`);
    const md5 = createHash("md5");
    let done = 0;
    for await (const chunk of Readable.fromWeb(response.body as ReadableStream)) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, patienceMs);
      done += chunk.length;
      if (done > archive.bytes) throw new Error(`the server sends more than the ${archive.bytes} bytes expected`);
      md5.update(chunk);
      await out.writeFile(chunk);
      onProgress?.({ activity: "Downloading CIFAR-10", done, total: archive.bytes, unit: "bytes" });
    }
    const sum = md5.digest("hex");
    if (done !== archive.bytes || sum !== archive.md5)
      throw new Error(
        `what came is not the published archive: ${done} bytes with MD5 ${sum}, ` +
          `expected ${archive.bytes} bytes with MD5 ${archive.md5}`,
      );
  } finally {
    clearTimeout(timer);
    abort.abort(); // ends a transfer that was given up half way
    await out.close();
  }
}

/** Takes the batch files out of the archive, wherever in it they lie, and nothing else. */
async function unpack(file: string, folder: string): Promise<void> {
  const missing = new Set(cifar10Files);
  const entries = extract();
  const reading = pipeline(createReadStream(file), createGunzip(), entries);
  const writing = (async () => {
    for await (const entry of entries) {
      const name = basename(entry.header.name);
      if (entry.header.type === "file" && missing.delete(name))
        await writeFile(join(folder, name), entry as AsyncIterable<Uint8Array>);
      else entry.resume();
    }
  })();
  await Promise.all([reading, writing]);
  if (missing.size > 0) throw new Error(`the archive lacks ${[...missing].join(", ")}`);
}
