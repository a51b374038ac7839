import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openData } from "../../runtime/node/data/index.ts";
import type { PictureSource } from "../../runtime/pictures.ts";
import { readAll } from "./files.ts";

const model = { classes: 10, channels: 3, height: 32, width: 32, seed: 1 };
const side = 32;

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

async function hash(source: PictureSource, count: number): Promise<string> {
  const { pictures } = await readAll(source, range(count));
  return createHash("sha256").update(Buffer.concat(pictures)).digest("hex").slice(0, 16);
}

describe("synthetic pictures", () => {
  it("are 50,000 and 10,000 of 32x32 in equal shares of the model's classes", async () => {
    const { train, test, classNames, kind } = await openData("synthetic", model);
    expect(kind).toBe("synthetic");
    expect([train.count, test.count, train.height, train.width, train.channels]).toEqual([50_000, 10_000, 32, 32, 3]);
    expect(new Set(classNames).size).toBe(10);
    const { labels } = await readAll(train, range(100, 49_900));
    for (let label = 0; label < 10; label++) expect(labels.filter((other) => other === label)).toHaveLength(10);
  });

  it("are the same bytes on every machine, as recorded", async () => {
    const colour = await openData("synthetic", model);
    const grey = await openData("synthetic", { ...model, channels: 1 });
    const hundred = await openData("synthetic", { ...model, classes: 100 });
    expect({
      train: await hash(colour.train, 200),
      test: await hash(colour.test, 200),
      grey: await hash(grey.train, 200),
      hundred: await hash(hundred.train, 200),
    }).toMatchInlineSnapshot(`
      {
        "grey": "9435f2515cca3b1d",
        "hundred": "5b1e0964d5669f8a",
        "test": "a8c2d5c4a8f2e865",
        "train": "08ac83967de7af59",
      }
    `);
  });

  it("depend on seed, split and index, and on nothing that was read before", async () => {
    const { train, test } = await openData("synthetic", model);
    const other = await openData("synthetic", { ...model, seed: 2 });
    const order = [49_999, 3, 17, 3];
    const together = await readAll(train, order);
    for (const [i, index] of order.entries()) {
      expect((await readAll(train, [index])).pictures[0]).toEqual(together.pictures[i]);
      expect((await readAll(other.train, [index])).pictures[0]).not.toEqual(together.pictures[i]);
    }
    expect((await readAll(test, [3])).pictures[0]).not.toEqual(together.pictures[1]);
    expect((await readAll(train, [13])).pictures[0]).not.toEqual(together.pictures[1]); // of the same class
  });

  it("have as many channels and classes as the model, up to 10,000 classes", async () => {
    const many = await openData("synthetic", { ...model, channels: 5, classes: 237 });
    expect(many.train.channels).toBe(5);
    expect(many.classNames.slice(0, 2)).toEqual(["disc disc disc", "disc disc ring"]);
    expect(new Set(many.classNames).size).toBe(237);
    const { labels, pictures } = await readAll(many.train, range(474));
    expect(Math.max(...labels)).toBe(236);
    expect(pictures[0]).toHaveLength(side * side * 5);
    await expect(openData("synthetic", { ...model, classes: 1 })).rejects.toThrow(
      /draws 2 to 10000 classes.*tells 1 apart/,
    );
    await expect(openData("synthetic", { ...model, classes: 10_001 })).rejects.toThrow(/tells 10001 apart/);
  });

  it("use the whole range of values, the same for every class on the average", async () => {
    const { train } = await openData("synthetic", model);
    const { pictures, labels } = await readAll(train, range(1000));
    const means = pictures.map((bytes) => bytes.reduce((sum, value) => sum + value, 0) / bytes.length);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(means)).toBeGreaterThan(100);
    expect(mean(means)).toBeLessThan(155);
    for (let label = 0; label < 10; label++)
      expect(Math.abs(mean(means.filter((_, i) => labels[i] === label)) - mean(means))).toBeLessThan(35);
    const flat = Buffer.concat(pictures);
    expect(flat.includes(0) && flat.includes(255)).toBe(true);
  });
});

describe("what there is to learn in them", () => {
  it("a linear classifier finds a little; the figures' shapes tell far more", { timeout: 60_000 }, async () => {
    const { train, test } = await openData("synthetic", model);
    const known = await readAll(train, range(1200));
    const asked = await readAll(test, range(400));

    const linear = trainLinear(known.pictures, known.labels);
    const linearAccuracy = share(asked.pictures.map(linear), asked.labels);
    expect(linearAccuracy).toBeGreaterThan(0.12);
    expect(linearAccuracy).toBeLessThan(0.5);

    // The nearest neighbour by four numbers about the figure's outline, which know no colour, place or direction.
    const shapes = known.pictures.map(outline);
    const shapeAccuracy = share(
      asked.pictures.map((picture) => known.labels[nearest(shapes, outline(picture))]),
      asked.labels,
    );
    expect(shapeAccuracy).toBeGreaterThan(0.7);
  });
});

const share = (given: number[], right: number[]) =>
  given.filter((label, i) => label === right[i]).length / right.length;

/** Softmax regression on all pixels, by stochastic gradient descent. */
function trainLinear(pictures: Uint8Array[], labels: number[]): (picture: Uint8Array) => number {
  const size = pictures[0].length;
  const weights = Array.from({ length: 10 }, () => new Float64Array(size));
  const scores = (picture: Uint8Array) =>
    weights.map((row) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += row[i] * (picture[i] - 127.5);
      return sum / 64;
    });
  for (let epoch = 0; epoch < 5; epoch++)
    for (const [at, picture] of pictures.entries()) {
      const values = scores(picture).map(Math.exp);
      const total = values.reduce((sum, value) => sum + value);
      for (let label = 0; label < 10; label++) {
        const step = 1e-4 * (values[label] / total - (label === labels[at] ? 1 : 0));
        for (let i = 0; i < size; i++) weights[label][i] -= (step * (picture[i] - 127.5)) / 64;
      }
    }
  return (picture) => {
    const values = scores(picture);
    return values.indexOf(Math.max(...values));
  };
}

/** The figure's edge against its area, its mean distance from its centre, how full its middle is, and its pieces. */
function outline(picture: Uint8Array): number[] {
  const grey = new Float64Array(side * side);
  for (let i = 0; i < grey.length; i++) grey[i] = (picture[3 * i] + picture[3 * i + 1] + picture[3 * i + 2]) / 3;
  const level = split(grey);
  const border = range(side).flatMap((i) => [i, (side - 1) * side + i, i * side, i * side + side - 1]);
  const groundIsBright = border.filter((i) => grey[i] > level).length > border.length / 2;
  const inside = (row: number, column: number) =>
    row >= 0 && row < side && column >= 0 && column < side && grey[row * side + column] > level !== groundIsBright;

  const area: [number, number][] = [];
  let edge = 0;
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      if (!inside(row, column)) continue;
      area.push([row, column]);
      for (const [down, right] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ])
        if (!inside(row + down, column + right)) edge++;
    }
  const count = Math.max(1, area.length);
  const centre = [0, 1].map((axis) => area.reduce((sum, place) => sum + place[axis], 0) / count);
  const radius = area.reduce((sum, [row, column]) => sum + Math.hypot(row - centre[0], column - centre[1]), 0) / count;
  const middle = range(9).filter((i) =>
    inside(Math.round(centre[0]) + (i % 3) - 1, Math.round(centre[1]) + Math.floor(i / 3) - 1),
  );
  return [edge / Math.sqrt(count) / 4, (radius / Math.sqrt(count)) * 8, middle.length / 3, pieces(area) / 2];
}

/** How many connected pieces of five pixels or more. */
function pieces(area: [number, number][]): number {
  const left = new Set(area.map(([row, column]) => row * 100 + column));
  let count = 0;
  for (const start of left) {
    const waiting = [start];
    left.delete(start);
    let size = 0;
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop(), size++)
      for (const next of [at + 1, at - 1, at + 100, at - 100]) if (left.delete(next)) waiting.push(next);
    if (size >= 5) count++;
  }
  return count;
}

/** The level that parts values into two groups, each near its mean (Otsu's method by iteration). */
function split(values: Float64Array): number {
  let level = 127.5;
  for (let i = 0; i < 10; i++) {
    const [low, high] = [values.filter((value) => value <= level), values.filter((value) => value > level)];
    if (low.length === 0 || high.length === 0) break;
    const mean = (of: Float64Array) => of.reduce((sum, value) => sum + value, 0) / of.length;
    level = (mean(low) + mean(high)) / 2;
  }
  return level;
}

function nearest(known: number[][], asked: number[]): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const [i, features] of known.entries()) {
    const distance = features.reduce((sum, value, j) => sum + (value - asked[j]) ** 2, 0);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
