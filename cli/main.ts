/** The kiln command. */
import { Command } from "commander";
import { version } from "../package.json";
import { benchCommand } from "./commands/bench.ts";
import { compileCommand } from "./commands/compile.ts";
import { diffCommand } from "./commands/diff.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evalCommand } from "./commands/eval.ts";
import { goldenCommand } from "./commands/golden.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { optCommand } from "./commands/opt.ts";
import { planCommand } from "./commands/plan.ts";
import { predictCommand } from "./commands/predict.ts";
import { reportCommand } from "./commands/report.ts";
import { runCommand } from "./commands/run.ts";
import { trainCommand } from "./commands/train.ts";
import { tuneCommand } from "./commands/tune.ts";
import { tutorialCommand } from "./commands/tutorial.ts";
import { report } from "./errors.ts";
import { modelArgument } from "./options.ts";

const commands = [
  trainCommand,
  evalCommand,
  predictCommand,
  reportCommand,
  compileCommand,
  inspectCommand,
  goldenCommand,
  optCommand,
  diffCommand,
  runCommand,
  tuneCommand,
  planCommand,
  benchCommand,
  doctorCommand,
  tutorialCommand,
];

const description = `Compiles a neural network written as a TypeScript model file into fused WebGPU kernels, and trains it.

MODEL is ${modelArgument}.`;

/** Runs the command line `args` (without node and script). Gives the exit code: 0, 1 a user's error, 2 wrong usage. */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command("kiln")
    .description(description)
    .version(version)
    .exitOverride()
    .showHelpAfterError("(kiln COMMAND --help says more)")
    .showSuggestionAfterError();
  process.stderr.on("error", () => {}); // whoever read along has gone; the work goes on
  for (const command of commands) program.addCommand(command().copyInheritedSettings(program));
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return report(error);
  }
}
