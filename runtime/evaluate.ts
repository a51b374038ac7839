import { countCorrect, sumCrossEntropy } from "./metrics.ts";
import { PictureBatch, type PictureSource, requireSource } from "./pictures.ts";
import { sample } from "./program/random.ts";
import type { Session } from "./session.ts";

export interface EvaluationOptions {
  /** Evaluate a sample of so many pictures, the same in every run; all of them where not given. */
  readonly limit?: number;
  /** Called after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with each batch and what the model made of it. */
  readonly onBatch?: (batch: EvaluatedBatch) => void;
  readonly signal?: AbortSignal;
}

/** Pictures of a source that were evaluated together, padding left out. */
export interface EvaluatedBatch {
  /** Their places in the source. */
  readonly indices: Uint32Array;
  /** [n] */
  readonly labels: Int32Array;
  /** The output, [n, classes]. */
  readonly logits: Float32Array;
}

export interface Evaluation {
  /** Pictures evaluated. */
  readonly count: number;
  /** Part of them whose class got the largest output: 0 to 1. */
  readonly accuracy: number;
  /** Mean softmax cross-entropy over them. */
  readonly loss: number;
}

/**
 * Runs the entry point `forward` over a source. The last batch is padded; the padding is not counted. The session must
 * have been made for `forward`, with pictures of the source's size.
 */
export async function evaluate(
  session: Session,
  source: PictureSource,
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  requireSource(session.program, source, "the pictures to evaluate");
  const indices = sample(source.count, options.limit ?? source.count);
  const { batch } = session;
  const read = (at: number, into: PictureBatch) => {
    const reading = into.read(indices.subarray(at, at + batch));
    reading.catch(() => {}); // awaited below, maybe after the device has failed
    return reading;
  };
  // Two batches in turn: one is read while the other is on the device.
  const [first, second] = [new PictureBatch(source, batch), new PictureBatch(source, batch)];
  let next = read(0, first);
  let correct = 0;
  let loss = 0;
  for (let at = 0, turn = 0; at < indices.length; at += batch, turn++) {
    options.signal?.throwIfAborted();
    const current = await next;
    session.writePictures(current.pictures, source.height, source.width);
    const running = session.run("forward", { pictures: true });
    running.catch(() => {}); // awaited below
    const end = Math.min(at + batch, indices.length);
    if (end < indices.length) next = read(end, turn % 2 === 0 ? second : first);
    await running;
    const logits = await session.readOutput("forward", "output");
    const labels = current.labels.subarray(0, end - at);
    correct += countCorrect(logits, source.classes, labels);
    loss += sumCrossEntropy(logits, source.classes, labels);
    options.onBatch?.({
      indices: indices.slice(at, end),
      labels: labels.slice(),
      logits: logits.slice(0, labels.length * source.classes),
    });
    options.onProgress?.(end, indices.length);
  }
  return { count: indices.length, accuracy: correct / indices.length, loss: loss / indices.length };
}
