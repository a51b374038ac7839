/** `npm run bench`: the figures behind the README, for anyone to repeat. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { report } from "../cli/errors.ts";
import { amount, integer, setting } from "../cli/options.ts";
import { say } from "../cli/output.ts";
import { targets } from "../compiler/index.ts";
import { chooseAdapter } from "../runtime/node/adapters.ts";
import { describeChoice } from "../runtime/node/device.ts";
import { describeMachine, type Machine, thisMachine } from "./report/machine.ts";
import { root } from "./report/paths.ts";
import { folderName, linkFromReadme, writeResult } from "./report/results.ts";
import {
  type AdapterSuiteName,
  adapterSuiteNames,
  type BenchOptions,
  type CompilerSuite,
  type CompilerSuiteName,
  compilerSuiteNames,
  type Suite,
  type SuiteName,
  type SuiteResult,
  suiteNames,
} from "./suite.ts";
import { compileSuite } from "./suites/compile.ts";
import { kernelsSuite } from "./suites/kernels.ts";
import { limitsSuite } from "./suites/limits.ts";
import { memorySuite } from "./suites/memory.ts";
import { minimallocSuite } from "./suites/minimalloc.ts";
import { peerNames, peersSuite } from "./suites/peers/peers.ts";
import { plansSuite } from "./suites/plans/plans.ts";
import { scaleSuite } from "./suites/scale.ts";
import { zooNames } from "./suites/zoo.ts";

const adapterSuites: Readonly<Record<AdapterSuiteName, Suite>> = {
  peers: peersSuite,
  kernels: kernelsSuite,
  scale: scaleSuite,
  compile: compileSuite,
  memory: memorySuite,
};
const compilerSuites: Readonly<Record<CompilerSuiteName, CompilerSuite>> = {
  plans: plansSuite,
  limits: limitsSuite,
  minimalloc: minimallocSuite,
};

interface MainOptions extends BenchOptions {
  readonly only: readonly SuiteName[];
  readonly adapter?: string;
  readonly out?: string;
}

/** Comma-separated, each one of `known`. */
const listOf =
  <Name extends string>(known: readonly Name[]) =>
  (text: string): Name[] => {
    const names = text.split(",") as Name[];
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new InvalidArgumentError(`${unknown || "nothing"} is none of ${known.join(", ")}.`);
    return names;
  };

const integers = (text: string): number[] => text.split(",").map((part) => integer(1)(part));

/** Comma-separated, each more than 0 and at most 1. */
const parts = (text: string): number[] =>
  text.split(",").map((part) => {
    const number = amount(part);
    if (number === 0 || number > 1) throw new InvalidArgumentError(`${part} is not a part: more than 0, at most 1.`);
    return number;
  });

function peerBatch(text: string, others: Readonly<Record<string, number>>): Record<string, number> {
  const [name, batch] = text.split("=");
  listOf(peerNames)(name);
  return { ...others, [name]: integer(1)(batch ?? "") };
}

const targetNames = [...targets.keys()];

const command = new Command("npm run bench --")
  .description("Measures Kiln: against its peers, kernel by kernel, over batch and depth, its compiler, its memory.")
  .addOption(
    new Option("--only <suites>", `some of ${suiteNames.join(",")}`)
      .argParser(listOf(suiteNames))
      .default(suiteNames, "all"),
  )
  .option(
    "--adapter <name>",
    "lavapipe, swiftshader, or part of a device's name (else $KILN_ADAPTER, else the best there is)",
  )
  .option("--out <dir>", "where results go, in a folder <date>-<adapter> (default: bench/results, named in the README)")
  .option("--repeats <n>", "timed runs of each thing", integer(1), 5)
  .option("--model <file>", "a model file, instead of each suite's own")
  .addOption(
    new Option("--set <name=value>", "a setting of the model; may be repeated").argParser(setting).default({}, "none"),
  )
  .option("--batch <n>", "pictures a batch (default: 64); of scale, the largest", integer(1))
  .addOption(
    new Option("--algorithm <kind>", "algorithms of contractions").choices(["auto", "direct", "fast"]).default("auto"),
  )
  .option("--peers <names>", `peers: some of ${peerNames.join(",")}`, listOf(peerNames))
  .addOption(
    new Option(
      "--peer-batch <name=n>",
      "peers: another batch for one of them, Kiln's too where it is compared; may be repeated",
    )
      .argParser(peerBatch)
      .default({}, "none"),
  )
  .option("--peer-limit <seconds>", "peers: how long one may take for an answer", integer(1), 900)
  .option("--depths <n,...>", "scale and compile: layers of the networks of growing depth", integers)
  .option("--steps <n>", "memory: training steps watched", integer(2), 1000)
  .option("--zoo <names>", `plans and limits: some of ${zooNames.join(",")}`, listOf(zooNames))
  .option("--targets <names>", `plans and limits: some of ${targetNames.join(",")}`, listOf(targetNames))
  .addOption(
    new Option("--limits <part,...>", "limits: parts of the plan that there is without a limit")
      .argParser(parts)
      .default([0.75, 0.5]),
  )
  .exitOverride()
  .action(run);

async function run({ only, adapter: wanted, out, ...options }: MainOptions): Promise<void> {
  const results = out === undefined ? `${root}bench/results` : resolve(out);
  const write = async (name: SuiteName, result: SuiteResult, machine: Machine) => {
    const folder = `${results}/${folderName(machine)}`;
    await writeResult(folder, name, result, machine);
    say(`${name}: written to ${folder}/${name}.md`);
  };
  const onAdapter = adapterSuiteNames.filter((name) => only.includes(name));
  if (onAdapter.length > 0) {
    const adapter = await chooseAdapter(wanted);
    const adapterOption = wanted || process.env.KILN_ADAPTER || adapter.class;
    const machine = thisMachine(adapter);
    say(`${describeChoice(adapter)}\n${describeMachine(machine)}`);
    for (const name of onAdapter) {
      say(`\n${name}`);
      const context = { options, adapterOption, adapter, target: adapter.target, say };
      await write(name, await adapterSuites[name](context), machine);
    }
  }
  for (const name of compilerSuiteNames.filter((name) => only.includes(name))) {
    say(`\n${name}`);
    const result = compilerSuites[name]({ options, say });
    if ("skipped" in result) say(`${name}: skipped; ${result.skipped}`);
    else await write(name, result, thisMachine());
  }
  if (out === undefined) await linkFromReadme(`${root}README.md`, results);
}

try {
  await command.parseAsync(process.argv.slice(2), { from: "user" });
} catch (error) {
  process.exitCode = report(error);
}
