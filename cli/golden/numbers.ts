/** A model's numbers on seeded inputs: output, loss and gradients, computed on the adapter in hand. */
import type { OpenedDevice } from "../../runtime/node/device.ts";
import { initialValues } from "../../runtime/program/initialize.ts";
import { elementCount } from "../../runtime/program/layout.ts";
import { uniform } from "../../runtime/program/random.ts";
import { createSession, type Session } from "../../runtime/session.ts";
import type { OpenedModel } from "../model.ts";
import { type GradientEntry, gradientsOn, inferOn } from "../run/execute.ts";
import type { TunedTarget } from "../tune/tuned.ts";

export interface NumberTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

export type Numbers = ReadonlyMap<string, NumberTensor>;

/** Streams of counters, as program/random.ts lists them. */
const stream = { input: 0xfffffff0, labels: 0xfffffff1, cotangent: 0xfffffff2, noise: 0xfffffff4 };

/** In -1..1, the same on every machine. */
const drawn = (count: number, seed: number, counter: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 2 * uniform(seed, 0, i, counter) - 1);

/** A model on a device, to be run with several seeds. Made by `openNumbers`. */
export class NumbersRun {
  #seed: number | null = null;

  /** Use `openNumbers`. */
  constructor(
    private readonly session: Session,
    private readonly model: OpenedModel,
    private readonly entry: GradientEntry | "forward",
  ) {}

  /** How many numbers go in. */
  get inputs(): number {
    return elementCount(this.model.inputShape);
  }

  /** Parameters, inputs (in -1..1) and labels are drawn from the seed; noise, up to `most`, is added to the inputs. */
  async compute(seed: number, noise?: { readonly most: number; readonly draw: number }): Promise<Numbers> {
    const { session, model, entry } = this;
    await this.#begin(seed);
    const values = drawn(this.inputs, seed, stream.input);
    if (noise)
      for (const [i, x] of drawn(values.length, seed, stream.noise + noise.draw).entries()) values[i] += noise.most * x;
    const { classes, batch } = model;
    const labels =
      classes === null
        ? null
        : Int32Array.from({ length: batch }, (_, i) => Math.floor(uniform(seed, 0, i, stream.labels) * classes));
    const cotangent = drawn(elementCount(model.outputShape), seed, stream.cotangent);
    const inputs = {
      input: { shape: model.inputShape, values },
      labels: labels && { shape: [batch], values: labels },
      cotangent: labels ? null : { shape: model.outputShape, values: cotangent },
    };
    const tensors = await (entry === "forward" ? inferOn(session, inputs) : gradientsOn(session, entry, inputs, true));
    return new Map(tensors.map(([name, { shape, data }]) => [name, { shape, values: data as Float32Array }]));
  }

  /** The state before the first step. A run changes statistics alone, and drawing many parameters takes a while. */
  async #begin(seed: number): Promise<void> {
    const { session } = this;
    if (seed !== this.#seed) await session.initialize(seed);
    else
      for (const state of session.program.state)
        if (state.role === "statistic") await session.writeState(state.name, initialValues(state, seed, 0));
    session.setUniforms({ seed, step: 1 });
    this.#seed = seed;
  }

  /** Frees what it has on the device. */
  close(): void {
    this.session.destroy();
  }
}

/** Compiles the model for the device and puts it there. */
export async function openNumbers(
  model: OpenedModel,
  { device }: OpenedDevice,
  { target, choose }: Pick<TunedTarget, "target" | "choose">,
): Promise<NumbersRun> {
  const entry =
    model.mode === "infer" ? "forward" : model.classes === null ? "gradientsFromCotangent" : ("gradients" as const);
  const { artifact } = await model.compile({ target, choose, entries: [entry] });
  return new NumbersRun(await createSession(device, artifact, { entries: [entry] }), model, entry);
}
