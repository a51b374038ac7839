import { cp, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type DataProgress, decodePicture, openData } from "../../runtime/node/data/index.ts";
import { readAll, temporaryFolder, writeImageFolder, writePicture } from "./files.ts";

const model = { classes: 2, channels: 3, height: 16, width: 12, seed: 1 };

async function made(options: Parameters<typeof writeImageFolder>[1] = {}): Promise<[string, Uint8Array[]]> {
  const folder = await temporaryFolder();
  return [folder, await writeImageFolder(folder, options)];
}

describe("an image folder", () => {
  it("gives pictures of one size as they are, classes in the order of names", async () => {
    const [folder, written] = await made({ classes: ["dog", "cat"], height: 8, width: 6 });
    const progress: DataProgress[] = [];
    const data = await openData(folder, { ...model, onProgress: (now) => progress.push(now) });
    expect(data.kind).toBe("folder");
    expect(data.classNames).toEqual(["cat", "dog"]);
    const { count, classes, channels, height, width } = data.train;
    expect({ count, classes, channels, height, width }).toEqual({
      count: 6,
      classes: 2,
      channels: 3,
      height: 8,
      width: 6,
    });
    const train = await readAll(data.train);
    expect(train.labels).toEqual([0, 0, 0, 1, 1, 1]);
    expect(train.pictures).toEqual([3, 4, 5, 0, 1, 2].map((i) => written[i]));
    const test = await readAll(data.test, [5, 0]);
    expect(test.labels).toEqual([1, 0]);
    expect(test.pictures).toEqual([written[8], written[9]]);
    expect(progress.at(-1)).toEqual({ activity: "Checking pictures", done: 12, total: 12, unit: "pictures" });
    expect(progress).toHaveLength(12);
  });

  it("resizes all to the model's input where sizes differ", async () => {
    const [folder] = await made();
    await writePicture(join(folder, "test/dog/large.jpeg"), 50, { height: 40, width: 9 });
    const data = await openData(folder, model);
    expect([data.train.height, data.train.width, data.test.height, data.test.width]).toEqual([16, 12, 16, 12]);
    const { pictures } = await readAll(data.test, [6]);
    expect(pictures[0]).toEqual(
      new Uint8Array((await decodePicture(join(folder, "test/dog/large.jpeg"), 3, 16, 12)).bytes),
    );
    expect(data.description).toContain("16x12 (resized)");
  });

  it("gives the same bytes whether or not decoded pictures fit into memory", async () => {
    const [folder] = await made();
    const kept = await openData(folder, model);
    for (const cacheBytes of [0, 2 * 192, 8 * 192]) {
      const data = await openData(folder, { ...model, cacheBytes });
      expect(await readAll(data.train)).toEqual(await readAll(kept.train));
      expect(await readAll(data.test, [3, 0, 3])).toEqual(await readAll(kept.test, [3, 0, 3]));
    }
  });

  it("names a file that changes under a running training", async () => {
    const [folder] = await made();
    const { train } = await openData(folder, { ...model, cacheBytes: 0 });
    await writePicture(join(folder, "train/cat/1.png"), 1, { height: 9 });
    await expect(readAll(train, [0, 1])).rejects.toThrow(/cat.1\.png: is 9x8 now, but was 8x8/);
    await rm(join(folder, "train/cat/1.png"));
    await expect(readAll(train, [0, 1])).rejects.toThrow(/cat.1\.png: there is no such file/);
  });

  it("takes grey pictures for a grey model", async () => {
    const [folder, written] = await made({ channels: 1 });
    const data = await openData(folder, { ...model, channels: 1 });
    expect((await readAll(data.train, [4])).pictures[0]).toEqual(written[4]);
  });

  it("passes over hidden files", async () => {
    const [folder] = await made();
    await writeFile(join(folder, "train/.DS_Store"), "x");
    await writeFile(join(folder, "train/cat/._0.png"), "x");
    expect((await openData(folder, model)).train.count).toBe(6);
  });
});

describe("mistakes in an image folder", () => {
  const mistakes: [string, (folder: string) => Promise<unknown>, RegExp][] = [
    [
      "a truncated JPEG",
      async (folder) => {
        const file = join(folder, "train/dog/a.jpg");
        await writePicture(file, 9, { height: 64, width: 64 });
        await truncate(file, 2000);
      },
      /dog.a\.jpg: is broken: (its data is damaged or ends too early|VipsJpeg: premature end of JPEG image)$/,
    ],
    ["a truncated PNG", (folder) => truncate(join(folder, "test/dog/2.png"), 100), /test.dog.2\.png: is broken/],
    [
      "a JPEG whose header ends early",
      async (folder) => {
        const file = join(folder, "train/dog/a.jpg");
        await writePicture(file, 9);
        await truncate(file, 30);
      },
      /dog.a\.jpg: is broken/,
    ],
    [
      "an empty file",
      (folder) => writeFile(join(folder, "train/cat/0.png"), ""),
      /cat.0\.png: is neither a JPEG nor a PNG/,
    ],
    [
      "a GIF by another name",
      async (folder) => {
        const gif = await sharp(join(folder, "train/cat/0.png")).gif().toBuffer();
        await writeFile(join(folder, "train/cat/9.png"), gif);
      },
      /cat.9\.png: is neither a JPEG nor a PNG/,
    ],
    [
      "a grey picture for a colour model",
      (folder) => writePicture(join(folder, "test/cat/1.png"), 3, { channels: 1 }),
      /test.cat.1\.png: is a grey \(1 channel\) picture, but the model takes colour \(3 channels\) ones/,
    ],
    [
      "a grey JPEG for a colour model",
      (folder) => writePicture(join(folder, "test/cat/g.jpg"), 3, { channels: 1 }),
      /test.cat.g\.jpg: is a grey/,
    ],
    [
      "an empty class",
      async (folder) => {
        await mkdir(join(folder, "train/bird"));
        await mkdir(join(folder, "test/bird"));
      },
      /train.bird: is empty; every class needs at least one picture/,
    ],
    [
      "a class emptied",
      async (folder) => {
        await rm(join(folder, "test/dog"), { recursive: true });
        await mkdir(join(folder, "test/dog"));
      },
      /test.dog: is empty; every class needs at least one picture/,
    ],
    [
      "a class of train that test lacks",
      (folder) => rm(join(folder, "test/dog"), { recursive: true }),
      /test: has no class folder dog, which train\/ has/,
    ],
    [
      "a class of test that train lacks",
      (folder) => cp(join(folder, "test/dog"), join(folder, "test/eel"), { recursive: true }),
      /train: has no class folder eel, which test\/ has/,
    ],
    ["no test pictures at all", (folder) => rm(join(folder, "test"), { recursive: true }), /test: does not exist/],
    [
      "no class folders",
      async (folder) => {
        await rm(join(folder, "test"), { recursive: true });
        await mkdir(join(folder, "test"));
      },
      /test: has no class folders/,
    ],
    [
      "a picture beside the classes",
      (folder) => writePicture(join(folder, "train/stray.jpg"), 1),
      /train.stray\.jpg: lies beside/,
    ],
    ["a folder in a class", (folder) => mkdir(join(folder, "train/cat/more")), /cat.more: is a folder/],
    [
      "another kind of file",
      (folder) => writeFile(join(folder, "train/cat/notes.txt"), "x"),
      /cat.notes\.txt: is no picture/,
    ],
  ];
  it.each(mistakes)("%s is named", async (_, make, message) => {
    const [folder] = await made();
    await make(folder);
    const failure = await openData(folder, model).catch((error) => error);
    expect(failure).toMatchObject({ name: "KilnError", kind: "data" });
    expect(failure.message).toMatch(message);
  });

  it("names a colour picture for a grey model, and the classes of a model with more", async () => {
    const [folder] = await made();
    await expect(openData(folder, { ...model, channels: 1 })).rejects.toThrow(
      /0\.png: is a colour \(3 channels\) picture/,
    );
    await expect(openData(folder, { ...model, classes: 10 })).rejects.toThrow(
      /holds 2 classes \(cat, dog\).*tells 10 apart/,
    );
  });

  it("lists several broken pictures together, in order, also where sizes differ", async () => {
    const [folder] = await made({ perClass: 6 });
    const broken = [0, 1, 2, 3, 4]
      .flatMap((i) => [`train/cat/${i}.png`, `test/dog/${i}.png`])
      .sort()
      .reverse();
    for (const file of broken) await writeFile(join(folder, file), "not a picture");
    await writePicture(join(folder, "train/dog/0.png"), 1, { height: 20 });
    const { message } = await openData(folder, model).catch((error) => error);
    expect(message).toMatch(/: 10 of 24 pictures cannot be used:\n/);
    const named = [...message.matchAll(/(train|test).(cat|dog).(\d)\.png/g)].map((match: string[]) =>
      match.slice(1).join(),
    );
    expect(named).toEqual([0, 1, 2, 3, 4].map((i) => `train,cat,${i}`).concat([0, 1, 2].map((i) => `test,dog,${i}`)));
    expect(message).toMatch(/\n {2}and 2 more$/);
  });
});

describe("decodePicture", () => {
  it("resizes as the device does: bilinear, half-pixel centres", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "p.png");
    await sharp(Uint8Array.of(0, 100, 200, 50), { raw: { width: 4, height: 1, channels: 1 } })
      .toColourspace("b-w")
      .png()
      .toFile(path);
    const { bytes } = await decodePicture(path, 1, 1, 8);
    expect([...bytes]).toEqual([0, 25, 75, 125, 175, 163, 88, 50]);
    expect([...(await decodePicture(path, 1, 2, 4)).bytes]).toEqual([0, 100, 200, 50, 0, 100, 200, 50]);
    const shrunk = await decodePicture(path, 1, 3, 2); // taller and narrower at once
    expect([shrunk.height, shrunk.width]).toEqual([3, 2]);
    const [left, right] = shrunk.bytes;
    expect([...shrunk.bytes]).toEqual([left, right, left, right, left, right]);
    expect(left).toBeGreaterThan(40);
    expect(left).toBeLessThan(right);
  });

  it("drops alpha, takes 16 bits to 8, reads palettes and CMYK, turns by EXIF", async () => {
    const folder = await temporaryFolder();
    const rgb = await writePicture(join(folder, "rgb.png"), 5, { height: 4, width: 6 });
    const source = () => sharp(join(folder, "rgb.png"));
    await source().ensureAlpha(0.5).toFile(join(folder, "alpha.png"));
    await source().toColourspace("rgb16").toFile(join(folder, "deep.png"));
    await source().png({ palette: true, colours: 256, dither: 0 }).toFile(join(folder, "palette.png"));
    for (const name of ["alpha", "deep", "palette"])
      expect(new Uint8Array((await decodePicture(join(folder, `${name}.png`), 3)).bytes), name).toEqual(rgb);
    await source().toColourspace("cmyk").jpeg().toFile(join(folder, "cmyk.jpg"));
    expect(await decodePicture(join(folder, "cmyk.jpg"), 3)).toMatchObject({ height: 4, width: 6, channels: 3 });
    await source().withMetadata({ orientation: 6 }).toFile(join(folder, "turned.png"));
    const turned = await decodePicture(join(folder, "turned.png"), 3);
    expect([turned.height, turned.width]).toEqual([6, 4]);
    expect([...turned.bytes.subarray(0, 3)]).toEqual([...rgb.subarray(3 * 6 * 3, 3 * 6 * 3 + 3)]); // lower left comes first
  });

  it("reads grey with alpha for a grey model and refuses other channel counts", async () => {
    const folder = await temporaryFolder();
    const grey = Uint8Array.of(10, 255, 20, 255, 30, 0, 40, 255);
    await sharp(grey, { raw: { width: 2, height: 2, channels: 2 } })
      .toColourspace("b-w")
      .png()
      .toFile(join(folder, "ga.png"));
    expect([...(await decodePicture(join(folder, "ga.png"), 1)).bytes]).toEqual([10, 20, 30, 40]);
    await expect(decodePicture(join(folder, "ga.png"), 4)).rejects.toThrow(
      /1 channel \(grey\) or 3 \(colour\).*takes 4/,
    );
    await expect(decodePicture(join(folder, "none.png"), 1)).rejects.toThrow(/none\.png: there is no such file/);
  });

  it("sees a file that was written anew", async () => {
    const path = join(await temporaryFolder(), "p.png");
    const first = await writePicture(path, 1);
    expect(new Uint8Array((await decodePicture(path, 3)).bytes)).toEqual(first);
    const second = await writePicture(path, 2);
    expect(new Uint8Array((await decodePicture(path, 3)).bytes)).toEqual(second);
    expect(await readFile(path)).not.toHaveLength(0);
  });
});
