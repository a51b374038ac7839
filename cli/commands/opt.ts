import { Command, Option } from "commander";
import type { StageProgram } from "../../compiler/ir/stage.ts";
import { writeFileAtomically } from "../../runtime/node/files.ts";
import { planDiagnosed } from "../diagnosed.ts";
import { DiagnosedError, UsageError } from "../errors.ts";
import { type Algorithm, amount, memoryLimitOption } from "../options.ts";
import { emit, say } from "../output.ts";
import { formatTable } from "../table.ts";
import { readTextFile } from "../textFile.ts";

interface OptOptions {
  readonly passes?: readonly string[];
  readonly output?: string;
  readonly verifyEach?: boolean;
  readonly printAfterAll?: boolean;
  readonly target?: string;
  readonly algorithm?: Algorithm;
  readonly momentum: number;
  /** Bytes. */
  readonly memoryLimit?: number;
}

export const optCommand = () =>
  new Command("opt")
    .description(
      "Runs passes on text IR, from any stage of the pipeline, and prints what they make of it. Without passes it " +
        "prints what it has read.",
    )
    .argument("[file]", "a file of text IR, as kiln inspect and kiln compile --dump-ir write them; - is standard input")
    .addOption(
      new Option("--passes <a,b,...>", "passes to run, in this order; `list` names them all").argParser((text) =>
        text.split(",").map((name) => name.trim()),
      ),
    )
    .option("-o, --output <file>", "file to write (standard output where not said)")
    .option("--verify-each", "check what every pass has made")
    .option("--print-after-all", "print what every pass has made to stderr")
    .option("--target <name>", "a described target or a JSON file (portable, or what the text names)")
    .addOption(
      new Option("--algorithm <kind>", "algorithms of contractions")
        .choices(["auto", "direct", "fast"])
        .default("auto"),
    )
    .option("--momentum <f>", "above 0: the optimizer keeps velocities", amount, 0)
    .addOption(memoryLimitOption("the plan"))
    .action(opt);

async function opt(path: string | undefined, options: OptOptions): Promise<void> {
  const { passes: names = [] } = options;
  if (names.join() === "list") return list();
  if (path === undefined) throw new UsageError("kiln opt takes a file of text IR, or --passes list");
  const { program, target, placeOf } = await readTextFile(path, options);
  const { InvalidStage, PassListError, print, runPasses } = await import("../../compiler/index.ts");
  const onPass = (pass: string, result: StageProgram) => say(`// after ${pass}\n${print(result)}`);
  const context = {
    target,
    algorithm: options.algorithm,
    velocity: options.momentum > 0,
    memoryLimit: options.memoryLimit === undefined ? undefined : { bytes: options.memoryLimit },
  };
  const passOptions = { verify: options.verifyEach, onPass: options.printAfterAll ? onPass : undefined };
  try {
    const made = await planDiagnosed(placeOf, () => runPasses(program, names, context, passOptions));
    const text = print(made);
    if (options.output === undefined) return emit(text);
    await writeFileAtomically(options.output, text);
    say(`Written to ${options.output}`);
  } catch (error) {
    if (error instanceof PassListError) throw new UsageError(`--passes: ${error.message}`);
    if (error instanceof InvalidStage) throw new DiagnosedError([], `error: ${error.message}`);
    throw error;
  }
}

async function list(): Promise<void> {
  const { namedPasses } = await import("../../compiler/index.ts");
  const rows = namedPasses.map(({ name, takes, summary }) => [name, takes.join(", "), summary]);
  emit(formatTable(["pass", "takes", "what it does"], rows, ["pass", "takes", "what it does"]));
}
