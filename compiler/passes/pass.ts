/** Passes, and the running of them one after the other, looked at in between. */
import type { Stage } from "../ir/stage.ts";

export interface Pass<In, Out, Context = unknown> {
  /** As it stands in the name of its dump: `split-reductions`. */
  readonly name: string;
  /** A sentence. */
  readonly summary: string;
  /** Stages of the programs that it takes. */
  readonly takes: readonly Stage[];
  readonly run: (program: In, context: Context) => Out;
  /** What is wrong with the result, a sentence each: a fault of the pass. */
  readonly problems?: (result: Out, context: Context) => readonly string[];
}

/** Passes in order, each taking what the one before it gives: `pipeline<Graph, Context>().add(lower).add(layout)`. */
export class Pipeline<In, Out, Context> {
  constructor(
    readonly passes: readonly Pass<any, any, Context>[],
    /** Holds the types apart. */
    protected readonly type?: (program: In) => Out,
  ) {}

  add<Next>(pass: Pass<Out, Next, Context>): Pipeline<In, Next, Context> {
    return new Pipeline([...this.passes, pass]);
  }

  /** All of these passes, then all of those. */
  then<Next>(next: Pipeline<Out, Next, Context>): Pipeline<In, Next, Context> {
    return new Pipeline([...this.passes, ...next.passes]);
  }
}

export const pipeline = <T, Context = unknown>(): Pipeline<T, T, Context> => new Pipeline([]);

export interface RunOptions {
  /** Sees what each pass has made. */
  readonly onPass?: (name: string, result: unknown) => void;
  /** Check what each pass has made. */
  readonly verify?: boolean;
}

/** A pass has made something that breaks its stage's rules: a fault of the compiler. */
export class InvalidStage extends Error {
  override readonly name = "InvalidStage";

  constructor(
    readonly pass: string,
    readonly problems: readonly string[],
  ) {
    super(`what ${pass} made is not valid:\n  ${problems.join("\n  ")}`);
  }
}

/** The last pass's result. What a pass throws comes through as it is; throws InvalidStage where `verify` finds a fault. */
export function runPipeline<In, Out, Context>(
  { passes }: Pipeline<In, Out, Context>,
  input: In,
  context: Context,
  { onPass, verify = false }: RunOptions = {},
): Out {
  let program: unknown = input;
  for (const pass of passes) {
    program = pass.run(program, context);
    onPass?.(pass.name, program);
    const problems = verify && pass.problems ? pass.problems(program, context) : [];
    if (problems.length > 0) throw new InvalidStage(pass.name, problems);
  }
  return program as Out;
}
