/** How a command ends: 0 on success, 1 on a user's error, 2 on wrong usage. */
import { CommanderError } from "commander";
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import { KilnError } from "../runtime/program/error.ts";
import { say } from "./output.ts";

/** The command line itself is wrong, whatever the files hold. */
export class UsageError extends Error {}

/** Mistakes in a model file, already told: `text` is what a person reads. */
export class DiagnosedError extends Error {
  constructor(
    readonly diagnostics: readonly Diagnostic[],
    readonly text: string,
  ) {
    super(text);
  }
}

/** The command ends here with this exit code, and what there was to say has been said. */
export class Ended extends Error {
  constructor(readonly code: number) {
    super();
  }
}

/** The person stopped the command. */
export class Interrupted extends Ended {
  constructor() {
    super(130); // 128 + SIGINT, as shells have it
  }
}

/** Tells what went wrong, and gives the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has told it
  if (error instanceof Ended) return error.code;
  if (error instanceof UsageError) {
    say(`error: ${error.message}`);
    return 2;
  }
  if (error instanceof DiagnosedError) {
    say(error.text);
    return 1;
  }
  if (error instanceof KilnError) {
    say(`error: ${error.message}`);
    return 1;
  }
  say(`error: Kiln failed in a way that was not foreseen; please report this:\n${(error as Error)?.stack ?? error}`);
  return 1;
}
