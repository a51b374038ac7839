import { Command } from "commander";
import type { TargetClass } from "../../runtime/program/schema.ts";
import { openAdapter } from "../device.ts";
import { addAdapterOption, type DeviceOptions, integer } from "../options.ts";
import { say } from "../output.ts";
import { packagedModel } from "../paths.ts";
import { train } from "../training/train.ts";

interface TutorialOptions extends DeviceOptions {
  readonly data: string;
  readonly steps?: number;
  readonly evalLimit?: number;
}

/** Steps and pictures to evaluate (of each kind) that take about five minutes: fixed, so that a run repeats bit for bit. */
const lengths: Record<TargetClass, { readonly steps: number; readonly pictures: number }> = {
  lavapipe: { steps: 150, pictures: 1000 },
  swiftshader: { steps: 24, pictures: 128 },
  integrated: { steps: 500, pictures: 2000 },
  discrete: { steps: 500, pictures: 2000 },
  mobile: { steps: 500, pictures: 2000 },
  portable: { steps: 500, pictures: 2000 },
  wasm: { steps: 200, pictures: 1000 },
};

export const tutorialCommand = () =>
  addAdapterOption(
    new Command("tutorial")
      .description("Trains AlexNet at 224x224 as in the Gluon tutorial, for about five minutes (npm start).")
      .option("--data <data>", "auto, synthetic, or a folder, as kiln train has it", "auto")
      .option("--steps <n>", "steps, instead of what takes about five minutes", integer(1))
      .option("--eval-limit <n>", "training and test pictures to evaluate", integer(1)),
  ).action(async (options: TutorialOptions) => {
    const opened = await openAdapter(options);
    const usual = lengths[opened.adapter.class];
    const steps = options.steps ?? usual.steps;
    const pictures = options.evalLimit ?? usual.pictures;
    say(
      `AlexNet at 224x224, batch 64, learning rate 0.001: ${steps} steps, then its accuracy on ${pictures} training and ` +
        `${pictures} test pictures${options.steps === undefined ? `; about five minutes on ${opened.adapter.class}` : ""}.`,
    );
    const { losses } = await train(
      packagedModel("alexnet"),
      { batch: 64, data: options.data, steps, lr: 0.001, seed: 1, evalLimit: pictures },
      opened,
    );
    say(describeLosses(losses));
  });

/** What was seen: the means of the last three losses, and of the last twenty where there are many, against the first. */
export function describeLosses(losses: readonly number[]): string {
  const mean = (count: number) => {
    const last = losses.slice(-count);
    return last.reduce((a, b) => a + b, 0) / last.length;
  };
  const means = [Math.min(3, losses.length), 20]
    .filter((count, i) => i === 0 || losses.length >= 5 * count)
    .map((count) => `${mean(count).toFixed(4)} on average over the last ${count}`);
  const went = mean(3) < losses[0] ? "The loss went down" : "The loss did not go down";
  return `${went}: it was ${losses[0].toFixed(4)} at the first step, and ${means.join(", ")}.`;
}
