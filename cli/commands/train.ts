import { Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../errors.ts";
import { addAdapterOption, addModelOptions, amount, integer, modelArgument } from "../options.ts";
import { type TrainRequest, train } from "../training/train.ts";

function dashboardPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new InvalidArgumentError(
      "A port from 0 (any free one) to 65535 is expected; the model goes before --dashboard.",
    );
  return port;
}

const listed = (text: string, others: readonly string[] = []): string[] => [...others, text];

export const trainCommand = () =>
  addAdapterOption(
    addModelOptions(
      new Command("train")
        .description("Trains a model on labelled pictures.")
        .argument("<model>", modelArgument)
        .option(
          "--data <data>",
          "auto (CIFAR-10 found or downloaded, else synthetic, and says so), synthetic, or a folder: CIFAR-10's " +
            "binary files, or train/ and test/ with a folder of JPEG or PNG pictures a class (default: auto)",
        )
        .option("--epochs <n>", "times through the training pictures (default: 1)", integer(1))
        .option("--steps <n>", "total number of steps, over as many epochs as it takes", integer(1)),
    ),
  )
    .addOption(new Option("--optimizer <kind>", "what updates the parameters").choices(["sgd"]).default("sgd"))
    .option("--lr <f>", "learning rate (default: 0.001)", amount)
    .option("--momentum <f>", "momentum (default: 0)", amount)
    .option("--weight-decay <f>", "weight decay (default: 0)", amount)
    .option("--seed <n>", "of parameters, order of pictures and dropout (default: 1)", integer(0, 0xffffffff))
    .option("--weights <w>", "begin with these: a weights file, a checkpoint, or a checkpoint folder")
    .option("--checkpoint <dir>", "keep checkpoints in this folder, the newest two")
    .option("--checkpoint-every <n>", "steps between two checkpoints (default: 100)", integer(1))
    .option("--resume", "go on with the run in the checkpoint folder, with its options where none are given")
    .option(
      "--log <file>",
      "write one JSON object a step and an epoch (JSON lines); a resumed run goes on with its log",
    )
    .option(
      "--dashboard [port]",
      "serve a page of the training on 127.0.0.1 while it lasts (port 6007, or the next that is free, where not said)",
      dashboardPort,
    )
    .option("--compare <log>", "show an earlier run's log on the dashboard too; may be repeated", listed)
    .option("--eval-limit <n>", "evaluate a sample of n training and n test pictures, not all", integer(1))
    .addHelpText(
      "after",
      "\nCtrl-C ends training after the step under way; the checkpoints stay in order, and --resume goes on.",
    )
    .action(async (path: string, request: TrainRequest) => {
      for (const option of ["resume", "checkpointEvery"] as const)
        if (request[option] && request.checkpoint === undefined)
          throw new UsageError(`--${option === "resume" ? "resume" : "checkpoint-every"} needs --checkpoint DIR`);
      if (request.compare && request.dashboard === undefined)
        throw new UsageError(
          "--compare is for the page of --dashboard; kiln report LOG... compares logs without training",
        );
      await train(path, request);
    });
