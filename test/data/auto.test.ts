import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, truncate, utimes } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAuto } from "../../runtime/node/data/auto.ts";
import type { DataProgress } from "../../runtime/node/data/dataSet.ts";
import { readAll, temporaryFolder, writeCifar10, writeImageFolder } from "./files.ts";

const model = { classes: 10, channels: 3, height: 32, width: 32 };

/** Serves one answer at a local address until the test is over. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar-10-binary.tar.gz`;
}

/** A small archive laid out as the official one. */
async function archiveBytes({ without = "" } = {}): Promise<Buffer> {
  const folder = await temporaryFolder();
  await writeCifar10(folder);
  const tar = pack();
  tar.entry({ name: "cifar-10-batches-bin/", type: "directory" });
  tar.entry({ name: "cifar-10-batches-bin/readme.html" }, "<html>");
  tar.entry({ name: "../../outside.bin" }, "must not be written");
  for (const name of await readdir(folder))
    if (name !== without) tar.entry({ name: `cifar-10-batches-bin/${name}` }, await readFile(join(folder, name)));
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

const published = (url: string, bytes: Buffer) => ({
  url,
  bytes: bytes.length,
  md5: createHash("md5").update(bytes).digest("hex"),
});

const nowhere = { url: "http://127.0.0.1:9/cifar-10-binary.tar.gz", bytes: 1, md5: "" };

describe("auto", () => {
  it("takes the folder of the option, else of KILN_CIFAR10, else of the cache", async () => {
    const root = await temporaryFolder();
    await writeCifar10(join(root, "option"), 2);
    await writeCifar10(join(root, "variable/cifar-10-batches-bin"), 3);
    await writeCifar10(join(root, "cache/kiln/cifar-10-batches-bin"), 4);
    const cache = { XDG_CACHE_HOME: join(root, "cache") };
    const both = { ...cache, KILN_CIFAR10: join(root, "variable") };
    const from = async (environment: Record<string, string>, cifar10?: string) => {
      const { kind, test, notice } = await openAuto(model, { seed: 1, archive: nowhere, environment, cifar10 });
      return { kind, pictures: test.count, notice: notice.join("\n") };
    };
    expect(await from(both, join(root, "option"))).toMatchObject({ kind: "cifar10", pictures: 2 });
    expect(await from(both)).toMatchObject({
      pictures: 3,
      notice: expect.stringMatching(/variable, named by KILN_CIFAR10/),
    });
    expect(await from(cache)).toMatchObject({ pictures: 4, notice: expect.stringMatching(/found in .*cache.kiln/) });
  });

  it("is an error, not another data set, where the folder named is not in order", async () => {
    const root = await temporaryFolder();
    const named = { seed: 1, environment: { KILN_CIFAR10: join(root, "gone") }, archive: nowhere };
    await expect(openAuto(model, named)).rejects.toThrow(/gone: there is no such folder/);
  });

  it("says how to mend a damaged copy in the cache", async () => {
    const root = await temporaryFolder();
    const folder = join(root, "kiln/cifar-10-batches-bin");
    await writeCifar10(folder);
    await truncate(join(folder, "test_batch.bin"), 100);
    const options = { seed: 1, environment: { XDG_CACHE_HOME: root }, archive: nowhere };
    await expect(openAuto(model, options)).rejects.toThrow(
      /test_batch\.bin: is 100 bytes long.* Remove .*cifar-10-batches-bin to have CIFAR-10 downloaded again/,
    );
  });

  it("downloads, checks, unpacks the batch files alone and leaves nothing beside them", async () => {
    const root = await temporaryFolder();
    const bytes = await archiveBytes();
    const url = await serve((_, response) => response.end(bytes));
    const progress: DataProgress[] = [];
    const options = { seed: 1, environment: { XDG_CACHE_HOME: root }, archive: published(url, bytes) };
    const data = await openAuto(model, { ...options, onProgress: (now) => progress.push(now) });
    expect(data.kind).toBe("cifar10");
    expect(data.notice.join()).toMatch(/downloaded to/);
    expect((await readAll(data.train, [3])).labels).toEqual([3]);
    expect(progress.at(-1)).toEqual({
      activity: "Downloading CIFAR-10",
      done: bytes.length,
      total: bytes.length,
      unit: "bytes",
    });
    expect(await readdir(join(root, "kiln"))).toEqual(["cifar-10-batches-bin"]);
    expect(await readdir(join(root, "kiln/cifar-10-batches-bin"))).toHaveLength(7);
    expect(await readdir(root)).toEqual(["kiln"]);
    const again = await openAuto(model, { ...options, archive: nowhere });
    expect(again.notice.join()).toMatch(/found in/);
  });

  it("removes what a killed download left, but not one that may be under way", async () => {
    const root = await temporaryFolder();
    const bytes = await archiveBytes();
    const url = await serve((_, response) => response.end(bytes));
    for (const name of ["old", "new"]) await mkdir(join(root, `kiln/.download-${name}`), { recursive: true });
    const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
    await utimes(join(root, "kiln/.download-old"), twoDaysAgo, twoDaysAgo);
    await openAuto(model, { seed: 1, environment: { XDG_CACHE_HOME: root }, archive: published(url, bytes) });
    expect((await readdir(join(root, "kiln"))).sort()).toEqual([".download-new", "cifar-10-batches-bin"]);
  });

  const failures: [string, (bytes: Buffer) => RequestListener, RegExp][] = [
    [
      "a server that knows no such file",
      () => (_, response) => response.writeHead(404).end("no"),
      /answered 404 Not Found/,
    ],
    [
      "another file of the same length",
      (bytes) => (_, response) => response.end(Buffer.alloc(bytes.length)),
      /not the published archive: \d+ bytes with MD5 [0-9a-f]{32}, expected/,
    ],
    [
      "a shorter file",
      () => (_, response) => response.end("<html>Sign in</html>"),
      /not the published archive: 20 bytes/,
    ],
    [
      "a longer file",
      (bytes) => (_, response) => response.end(Buffer.concat([bytes, bytes])),
      /more than the \d+ bytes expected/,
    ],
    [
      "a connection that breaks",
      (bytes) => (_, response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 100), () => setTimeout(() => response.destroy(), 50));
      },
      /terminated|other side closed/,
    ],
  ];
  it.each(failures)("goes on with synthetic pictures after %s, and says why", async (_, answer, why) => {
    const root = await temporaryFolder();
    const bytes = await archiveBytes();
    const url = await serve(answer(bytes));
    const data = await openAuto(model, {
      seed: 1,
      environment: { XDG_CACHE_HOME: root },
      archive: published(url, bytes),
    });
    expect(data.kind).toBe("synthetic");
    const notice = data.notice.join("\n");
    expect(notice).toMatch(why);
    expect(notice).toContain(url);
    expect(notice).toMatch(/KILN_CIFAR10=DIR/);
    expect(notice).toMatch(/Data: synthetic pictures instead.*cannot be compared with CIFAR-10's/);
    expect(await readdir(join(root, "kiln"))).toEqual([]);
  });

  it("does the same without a network", async () => {
    const root = await temporaryFolder();
    const data = await openAuto(model, { seed: 1, environment: { XDG_CACHE_HOME: root }, archive: nowhere });
    expect(data.kind).toBe("synthetic");
    expect(data.notice.join("\n")).toMatch(/could not be downloaded from\n.*fetch failed|bad port|ECONNREFUSED/);
  });

  it("does the same where the archive lacks a file", async () => {
    const root = await temporaryFolder();
    const bytes = await archiveBytes({ without: "data_batch_4.bin" });
    const url = await serve((_, response) => response.end(bytes));
    const data = await openAuto(model, {
      seed: 1,
      environment: { XDG_CACHE_HOME: root },
      archive: published(url, bytes),
    });
    expect(data.notice.join("\n")).toMatch(/the archive lacks data_batch_4\.bin/);
    expect(await readdir(join(root, "kiln"))).toEqual([]);
  });

  it("gives up a server that does not answer, within fifteen seconds", async () => {
    const root = await temporaryFolder();
    const url = await serve(() => {});
    const started = performance.now();
    const data = await openAuto(model, {
      seed: 1,
      environment: { XDG_CACHE_HOME: root },
      archive: { ...nowhere, url },
    });
    expect(data.notice.join("\n")).toMatch(/nothing came for 10 s/);
    expect(performance.now() - started).toBeLessThan(15_000);
  }, 20_000);

  it("draws pictures for a model that CIFAR-10 does not fit, and says so", async () => {
    const root = await temporaryFolder();
    await writeImageFolder(join(root, "unused"));
    const options = { seed: 1, environment: { KILN_CIFAR10: join(root, "unused") }, archive: nowhere };
    const grey = await openAuto({ ...model, channels: 1 }, options);
    expect(grey.kind).toBe("synthetic");
    expect(grey.train.channels).toBe(1);
    expect(grey.notice.join("\n")).toMatch(/does not fit this model.*10 apart in grey \(1 channel\) ones/);
    expect((await openAuto({ ...model, classes: 100 }, options)).classNames).toHaveLength(100);
  });
});
