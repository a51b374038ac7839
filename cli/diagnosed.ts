/** Mistakes with their code and place, as the errors that commands end in. */
import type { Diagnostic, Place } from "../compiler/diagnostics/diagnostic.ts";
import { DiagnosedError } from "./errors.ts";

/** Mistakes as people read them: with frames, in colour where the terminal has it. */
export async function diagnosed(diagnostics: readonly Diagnostic[]): Promise<DiagnosedError> {
  const { formatDiagnostics, wantsColor } = await import("../compiler/index.ts");
  const color = wantsColor(process.stderr, process.env);
  return new DiagnosedError(diagnostics, formatDiagnostics(diagnostics, { color }));
}

/** Does what may end in a PlanError, which becomes a DiagnosedError at the place of the tensor that it names. */
export async function planDiagnosed<T>(
  placeOf: (tensor: string) => Place | undefined,
  work: () => T | Promise<T>,
): Promise<T> {
  const { PlanError } = await import("../compiler/index.ts");
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const { code, message, value } = error;
    throw await diagnosed([{ code, message, place: placeOf(value.name) }]);
  }
}
