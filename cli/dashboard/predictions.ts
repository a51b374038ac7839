/** What a model makes of test pictures: a few that are always shown, and how often which class is taken for which. */
import type { Confusion, Predictions, WatchedPictures } from "../../pages/training/state.ts";
import type { EvaluatedBatch } from "../../runtime/evaluate.ts";
import { argmax, softmax } from "../../runtime/metrics.ts";
import type { PictureSource } from "../../runtime/pictures.ts";
import { sample } from "../../runtime/program/random.ts";

/** How many pictures are shown. */
const mostShown = 32;
/** Pictures are sent at most so many pixels wide and high. */
const mostPixels = 96;

/** The pictures to show are among those of every sample for evaluation of at least `pictures`: samples grow, see
 * `sample` of runtime/program/random.ts. */
export class WatchList {
  readonly indices: Uint32Array;

  constructor(
    private readonly source: PictureSource,
    pictures: number,
  ) {
    this.indices = sample(source.count, Math.min(mostShown, pictures));
  }

  /** Reads the pictures, as PNG. Of those that are neither grey nor colour, the first channel is shown. */
  async read(): Promise<WatchedPictures> {
    const { indices, source } = this;
    const { height, width, channels } = source;
    const size = height * width * channels;
    const bytes = new Uint8Array(indices.length * size);
    const labels = new Int32Array(indices.length);
    await source.read(indices, bytes, labels);
    const { default: sharp } = await import("sharp"); // not before: it is large
    const pictures = await Promise.all(
      Array.from(indices, async (_, n) => {
        const picture = bytes.subarray(n * size, (n + 1) * size);
        const shown = channels === 3 ? picture : picture.filter((_, i) => i % channels === 0);
        const png = await sharp(shown, { raw: { width, height, channels: channels === 3 ? 3 : 1 } })
          .resize({ width: mostPixels, height: mostPixels, fit: "inside", withoutEnlargement: true })
          .png()
          .toBuffer();
        return `data:image/png;base64,${png.toString("base64")}`;
      }),
    );
    return { pictures, labels: [...labels] };
  }
}

/** Collects one evaluation, batch by batch. */
export class PredictionTally {
  readonly #shown: Map<number, { class: number; probability: number }> = new Map();
  readonly #cells = new Map<string, [number, number, number]>();
  #pictures = 0;
  #correct = 0;

  constructor(
    private readonly watched: WatchList,
    private readonly classes: number,
  ) {}

  add({ indices, labels, logits }: EvaluatedBatch): void {
    const { classes } = this;
    for (let n = 0; n < labels.length; n++) {
      const predicted = argmax(logits, n * classes, classes);
      this.#pictures++;
      if (predicted === labels[n]) this.#correct++;
      const key = `${labels[n]} ${predicted}`;
      const cell = this.#cells.get(key);
      if (cell) cell[2]++;
      else this.#cells.set(key, [labels[n], predicted, 1]);
      if (this.watched.indices.includes(indices[n])) {
        const probability = softmax(logits, n * classes, classes)[predicted];
        this.#shown.set(indices[n], { class: predicted, probability });
      }
    }
  }

  /** What was seen, by weights after `step` steps. */
  result(step: number): { predictions: Predictions; confusion: Confusion } {
    const shown = Array.from(this.watched.indices, (index) => this.#shown.get(index)!);
    return {
      predictions: {
        step,
        classes: shown.map((s) => s.class),
        probabilities: shown.map((s) => Math.round(s.probability * 1e4) / 1e4),
      },
      confusion: { step, pictures: this.#pictures, correct: this.#correct, cells: [...this.#cells.values()] },
    };
  }
}
