/** Passes and the running of them one after the other, looked at in between. */
import { print, type TextProgram } from "../text/print.ts";

export interface Pass<In, Out> {
  /** As it stands in the name of its dump: `split-reductions`. */
  readonly name: string;
  /** A sentence. */
  readonly summary: string;
  readonly run: (program: In) => Out;
  /** The result as text, where it is none of the programs that compiler/text prints. */
  readonly print?: (result: Out) => string;
}

/** Passes in order, each taking what the one before it gives: `pipeline<Graph>().add(lower).add(layout)`. */
export class Pipeline<In, Out> {
  constructor(
    readonly passes: readonly Pass<any, any>[],
    /** Holds the types apart. */
    protected readonly type?: (program: In) => Out,
  ) {}

  add<Next>(pass: Pass<Out, Next>): Pipeline<In, Next> {
    return new Pipeline([...this.passes, pass]);
  }
}

export const pipeline = <T>(): Pipeline<T, T> => new Pipeline([]);

/** The program after a pass. */
export interface Dump {
  /** Counted from 1. */
  readonly number: number;
  readonly pass: string;
  readonly text: string;
  /** The text is what it was before the pass. */
  readonly unchanged: boolean;
}

export interface RunOptions {
  /** Sees the program after each pass; without it nothing is printed. */
  readonly onDump?: (dump: Dump) => void;
  /** Throws where the program does not hold together. Runs on the input and after each pass. */
  readonly verify?: (program: unknown) => void;
}

/**
 * The last pass's result. What a pass throws comes through as it is; what `verify` throws becomes an Error that names
 * the pass behind which it was found, with the first as its cause.
 */
export function runPipeline<In, Out>(passes: Pipeline<In, Out>, input: In, { onDump, verify }: RunOptions = {}): Out {
  const check = (program: unknown, where: string): void => {
    try {
      verify?.(program);
    } catch (cause) {
      throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  };
  check(input, "before the first pass");
  let program: unknown = input;
  let before = onDump && isText(input) ? print(input) : undefined;
  passes.passes.forEach((pass, i) => {
    program = pass.run(program);
    check(program, `after ${pass.name}`);
    if (!onDump) return;
    const text = pass.print ? pass.print(program) : print(program as TextProgram);
    onDump({ number: i + 1, pass: pass.name, text, unchanged: text === before });
    before = text;
  });
  return program as Out;
}

/** A dump as the file that `--dump-ir` writes: `04-layout.kir`, holding the program or the word unchanged. */
export const dumpFile = ({
  number,
  pass,
  text,
  unchanged,
}: Dump): { readonly name: string; readonly text: string } => ({
  name: `${String(number).padStart(2, "0")}-${pass}.kir`,
  text: unchanged ? "unchanged\n" : text,
});

const isText = (program: unknown): program is TextProgram =>
  typeof program === "object" &&
  program !== null &&
  "stage" in program &&
  ["graph", "joint", "expr", "fused"].includes(program.stage as string);
