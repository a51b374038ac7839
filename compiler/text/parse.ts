/** Reads the text form of a program: print(parse(text)) is text again, if `print` wrote it. */
import type { StageProgram } from "../ir/stage.ts";
import { parseExpr } from "./parseExpr.ts";
import { parseFused } from "./parseFused.ts";
import { parseGraph } from "./parseGraph.ts";
import { parseKernelProgram } from "./parseKernel.ts";
import { parsePlanned } from "./parsePlan.ts";
import { TokenStream } from "./tokenStream.ts";

/**
 * The program that this text is, values and axes being new ones.
 * Throws TextError (with line and column) where the text is not of the language; whether the program holds together
 * (types of operands, bounds of reads) is for its verifier to say.
 */
export function parse(text: string): StageProgram {
  const tokens = new TokenStream(text);
  const stage = tokens.oneOf(["graph", "joint", "expr", "fused", "kernels", "plan"]);
  switch (stage) {
    case "graph":
    case "joint":
      return parseGraph(tokens, stage);
    case "expr":
      return parseExpr(tokens);
    case "fused":
      return parseFused(tokens);
    case "kernels":
      return parseKernelProgram(tokens);
    case "plan":
      return parsePlanned(tokens);
  }
}
