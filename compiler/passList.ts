/** Every pass by name, to be run by itself on a program of any origin. */
import { didYouMean, suggest } from "./diagnostics/suggest.ts";
import { type Stage, type StageProgram, stageOf } from "./ir/stage.ts";
import { autodiff, type GraphContext, optimizer, prepare, simplify } from "./passes/graphPasses.ts";
import { type Pass, Pipeline, runPipeline } from "./passes/pass.ts";
import { type PipelineContext, toExpr, toFused, toKernels, toLaidOut, toPlan, toSlices } from "./pipeline.ts";

/** What all passes know beside the program. */
export type PassContext = PipelineContext & GraphContext;

export type NamedPass = Pass<any, StageProgram, PassContext>;

const inOrder = [prepare, autodiff, optimizer, simplify, toExpr, toLaidOut, toFused, toSlices, toKernels, toPlan];

/** In the order of a training step; one that runs twice stands where it runs first. */
export const namedPasses: readonly NamedPass[] = [
  ...new Map(inOrder.flatMap(({ passes }) => passes as readonly NamedPass[]).map((pass) => [pass.name, pass])).values(),
];

/** A list of passes that cannot be run: the message says what to give instead. */
export class PassListError extends Error {
  override readonly name = "PassListError";
}

export interface RunPassesOptions {
  /** Sees what each pass has made. */
  readonly onPass?: (name: string, program: StageProgram) => void;
  /** Check what each pass has made; throws InvalidStage. */
  readonly verify?: boolean;
}

/**
 * Runs passes by their names, one after the other. Throws PassListError for a name that no pass has, or a pass that does
 * not take what it would be given; what a pass throws comes through.
 */
export function runPasses(
  program: StageProgram,
  names: readonly string[],
  context: PassContext,
  { onPass, verify }: RunPassesOptions = {},
): StageProgram {
  const chosen = names.map(passNamed);
  return chosen.reduce((given, pass) => {
    const stage = stageOf(given);
    if (!pass.takes.includes(stage))
      throw new PassListError(
        `${pass.name} takes ${pass.takes.join(" or ")}, and this is ${stage}${between(stage, pass)}`,
      );
    const listener = onPass as ((name: string, result: unknown) => void) | undefined;
    return runPipeline(new Pipeline<StageProgram, StageProgram, PassContext>([pass]), given, context, {
      verify,
      onPass: listener,
    });
  }, program);
}

function passNamed(name: string): NamedPass {
  const found = namedPasses.find((pass) => pass.name === name);
  if (found) return found;
  const help = didYouMean(
    suggest(
      name,
      namedPasses.map((pass) => pass.name),
    ),
  );
  throw new PassListError(`there is no pass ${name}${help ? `; ${help}` : ""}`);
}

/** `; between them run lower, ...`, where the pass comes later than the stage. */
function between(stage: Stage, pass: NamedPass): string {
  const from = namedPasses.findIndex(({ takes }) => takes.includes(stage));
  const to = namedPasses.indexOf(pass);
  if (from < 0 || from >= to) return "";
  const names = namedPasses.slice(from, to).map(({ name }) => name);
  return `; the pipeline runs ${names.join(",")} before it`;
}
