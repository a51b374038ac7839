import { Command } from "commander";
import { evaluate } from "../../runtime/evaluate.ts";
import { openDataFor } from "../data.ts";
import { weightsFor } from "../device.ts";
import { openForward } from "../forward.ts";
import { openModel } from "../model.ts";
import {
  addAdapterOption,
  addModelOptions,
  type DeviceOptions,
  integer,
  jsonOption,
  type ModelOptions,
  modelArgument,
} from "../options.ts";
import { emitJson, say } from "../output.ts";
import { Progress } from "../progress.ts";

interface EvalOptions extends ModelOptions, DeviceOptions {
  readonly weights?: string;
  readonly data: string;
  readonly seed: number;
  readonly evalLimit?: number;
  readonly json?: boolean;
}

export const evalCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("eval")
        .description("Evaluates a model on test pictures: accuracy and mean loss.")
        .argument("<model>", modelArgument)
        .option("--weights <w>", "a weights file, a checkpoint, or a checkpoint folder (its newest)")
        .option("--data <data>", "auto, synthetic, or a folder, as kiln train has it", "auto")
        .option("--seed <n>", "of synthetic pictures", integer(0, 0xffffffff), 1)
        .option("--eval-limit <n>", "evaluate a sample of n pictures, the same in every run", integer(1)),
    ),
  )
    .addOption(jsonOption('print {"model","data","pictures","accuracy","loss"} to stdout'))
    .action(async (path: string, options: EvalOptions) => {
      const model = await openModel(path, options);
      const weights = await weightsFor(model, options.weights);
      const data = await openDataFor(model, options.data, options.seed);
      const session = await openForward(model, options, weights, data.test);
      const progress = new Progress();
      const limit = options.evalLimit;
      progress.begin("evaluating", Math.min(limit ?? data.test.count, data.test.count));
      const result = await evaluate(session, data.test, {
        limit,
        onProgress: (done) => progress.update(done, "pictures"),
      }).finally(() => progress.end());
      const { count, accuracy, loss } = result;
      say(`Test_acc ${accuracy.toFixed(4)}, loss ${loss.toFixed(4)} on ${count} test pictures`);
      if (options.json) emitJson({ model: model.name, data: data.name, pictures: count, accuracy, loss });
    });
