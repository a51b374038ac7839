import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openData } from "../../runtime/node/data/index.ts";
import { cifarNames, pixel, readAll, temporaryFolder, writeCifar10 } from "./files.ts";

const model = { classes: 10, channels: 3, height: 224, width: 224, seed: 1 };

async function made(): Promise<string> {
  const folder = await temporaryFolder();
  await writeCifar10(folder);
  return folder;
}

describe("CIFAR-10, binary version", () => {
  it("reads pixels by row, column and channel, and labels, across files", async () => {
    const data = await openData(await made(), model);
    expect(data.kind).toBe("cifar10");
    expect(data.classNames).toEqual(cifarNames);
    const { count, classes, channels, height, width } = data.train;
    expect({ count, classes, channels, height, width }).toEqual({
      count: 20,
      classes: 10,
      channels: 3,
      height: 32,
      width: 32,
    });
    expect(data.test.count).toBe(4);

    const indices = [19, 0, 7, 7];
    const { pictures, labels } = await readAll(data.train, indices);
    expect(labels).toEqual([9, 0, 7, 7]);
    for (const [i, picture] of indices.entries())
      for (let row = 0; row < 32; row++)
        for (let column = 0; column < 32; column++)
          for (let channel = 0; channel < 3; channel++)
            if (pictures[i][(row * 32 + column) * 3 + channel] !== pixel(picture, row, column, channel))
              expect.fail(`picture ${picture} differs at row ${row}, column ${column}, channel ${channel}`);
    const test = await readAll(data.test);
    expect(test.labels).toEqual([0, 1, 2, 3]);
    expect(test.pictures[2][5]).toBe(pixel(22, 0, 1, 2));
  });

  it("is found in the child folder that the archive unpacks to", async () => {
    const folder = await temporaryFolder();
    await writeCifar10(join(folder, "cifar-10-batches-bin"));
    expect((await openData(folder, model)).kind).toBe("cifar10");
  });

  it.each([
    ["data_batch_3.bin", /data_batch_3\.bin: is missing\. CIFAR-10's binary version consists of data_batch_1\.bin/],
    ["test_batch.bin", /test_batch\.bin: is missing/],
    ["batches.meta.txt", /batches\.meta\.txt: is missing/],
  ])("names %s where it is missing", async (file, message) => {
    const folder = await made();
    await rm(join(folder, file));
    await expect(openData(folder, model)).rejects.toThrow(message);
  });

  it("names a file cut off within a record, and an empty one", async () => {
    const folder = await made();
    await truncate(join(folder, "data_batch_2.bin"), 3 * 3073 + 100);
    await expect(openData(folder, model)).rejects.toThrow(
      /data_batch_2\.bin: is 9319 bytes long.*3073-byte records.*truncated/,
    );
    await truncate(join(folder, "data_batch_2.bin"), 0);
    await expect(openData(folder, model)).rejects.toThrow(/data_batch_2\.bin: is 0 bytes long/);
  });

  it("names a training file cut off between records", async () => {
    const folder = await made();
    await truncate(join(folder, "data_batch_5.bin"), 3 * 3073);
    await expect(openData(folder, model)).rejects.toThrow(
      /data_batch_5\.bin: holds 3 pictures, but data_batch_1\.bin holds 4/,
    );
  });

  it("names file and record of a label out of range", async () => {
    const folder = await made();
    const file = join(folder, "test_batch.bin");
    const bytes = await readFile(file);
    bytes[2 * 3073] = 10;
    await writeFile(file, bytes);
    await expect(openData(folder, model)).rejects.toThrow(
      /test_batch\.bin: record 2 has the label 10, but batches\.meta\.txt names 10 classes \(0 to 9\)/,
    );
  });

  it("refuses a model with other classes or with grey input, before reading batches", async () => {
    const folder = await made();
    await expect(openData(folder, { ...model, classes: 100 })).rejects.toThrow(
      /holds 10 classes \(airplane, automobile, bird, cat, \.\.\. truck\), but the model tells 100 apart/,
    );
    await expect(openData(folder, { ...model, channels: 1 })).rejects.toThrow(
      /holds colour \(3 channels\) pictures, but the model takes grey \(1 channel\) ones.*image\(3, 224, 224\)/,
    );
  });

  it("refuses to read beyond its pictures or into too little room", async () => {
    const { train } = await openData(await made(), model);
    expect(() => train.read([20], new Uint8Array(3072), new Int32Array(1))).toThrow(/no picture 20.*0 to 19/);
    expect(() => train.read([0, 1], new Uint8Array(3072), new Int32Array(2))).toThrow(/room for 3072 bytes/);
  });
});

describe("a folder that is no data set", () => {
  it("says what was looked for", async () => {
    const folder = await temporaryFolder();
    await expect(openData(folder, model)).rejects.toThrow(/holds no data set.*data_batch_1\.bin.*train\/ and test\//);
    await writeFile(join(folder, "data_batch_1"), "");
    await expect(openData(folder, model)).rejects.toThrow(/Python version/);
  });

  it("says that it does not exist or is a file", async () => {
    const folder = await temporaryFolder();
    await expect(openData(join(folder, "nowhere"), model)).rejects.toThrow(/nowhere: there is no such folder/);
    await writeFile(join(folder, "file"), "");
    await expect(openData(join(folder, "file"), model)).rejects.toThrow(/is a file, not a folder/);
  });
});
