/** Reads the text of the stage `plan`. */
import type { TextureExtent } from "../../runtime/program/texture.ts";
import type { Layout } from "../ir/fused.ts";
import type { PlannedProgram } from "../ir/kernelProgram.ts";
import type { PlanBuffer, PlanCopy, PlanDispatch, PlanTexture } from "../ir/plan.ts";
import type { Value } from "../ir/types.ts";
import type { Token } from "./lexer.ts";
import { KernelList, parseTarget } from "./parseKernel.ts";
import { ProgramParser } from "./parseProgram.ts";
import { hosts } from "./printPlan.ts";
import type { TokenStream } from "./tokenStream.ts";

interface StepText {
  readonly kernel?: Token;
  readonly reads: readonly Token[];
  readonly writes: readonly Token[];
}

interface Sizes {
  readonly target: string;
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly persistentBytes: number;
  readonly arenas: readonly number[];
  readonly gpuTextures: readonly TextureExtent[];
}

/** What follows the word `plan`. Throws TextError. Steps name kernels and values that may stand below them. */
export function parsePlanned(tokens: TokenStream): PlannedProgram {
  const layouts = new Map<Value, Layout>();
  const parser = new ProgramParser(tokens, layouts);
  const kernels = new KernelList(parser);
  const steps: StepText[] = [];
  const buffers: (PlanBuffer & { readonly at: Token; readonly host?: Token })[] = [];
  const textures: (Omit<PlanTexture, "source"> & { readonly of: Token })[] = [];
  let sizes: Sizes | undefined;
  const statement = (): boolean => {
    if (tokens.sees("run") || tokens.sees("copy")) steps.push(parseStep(parser));
    else if (tokens.accept("buffer")) buffers.push(parseBuffer(parser));
    else if (tokens.accept("texture")) textures.push(parseTexture(parser));
    else return kernels.accept();
    return true;
  };
  const program = parser.parse(statement, "'run', 'copy', 'buffer', 'texture' or 'kernel'", () => {
    sizes = parseSizes(tokens);
  });
  const { target, ...memory } = sizes!;
  const plan = {
    ...memory,
    buffers: buffers.map(({ at: _, host: __, ...buffer }) => buffer),
    textures: textures.map(({ of, ...texture }) => ({ ...texture, source: parser.find(of) })),
    dispatches: steps.map((step) => resolveStep(step, parser, kernels)),
  };
  const hostOf = hosts(plan);
  buffers.forEach(({ at, host }, b) => {
    if (host && hostOf(plan.buffers[b]) !== parser.find(host))
      tokens.fail(`${at.text} is not written in the place of ${host.text}`, host);
  });
  return { stage: "plan", ...program, target, kernels: kernels.all, layouts, plan };
}

/** `target portable`, `memory 1536 bound 1536 state 512`, `buffers [1536]`, `textures [512 * 1]` */
function parseSizes(tokens: TokenStream): Sizes {
  const bytes = (word: string): number => {
    tokens.expect(word);
    return tokens.integer("a number of bytes");
  };
  const target = parseTarget(tokens);
  const arenaBytes = bytes("memory");
  const lowerBoundBytes = bytes("bound");
  const persistentBytes = bytes("state");
  tokens.expect("buffers");
  const arenas = tokens.list("[", "]", () => tokens.positiveInteger("a number of bytes"));
  const extent = (): TextureExtent => {
    const width = tokens.positiveInteger("a width");
    tokens.expect("*");
    return { width, height: tokens.positiveInteger("a height") };
  };
  const gpuTextures = tokens.accept("textures") ? tokens.list("[", "]", extent) : [];
  return { target, arenaBytes, lowerBoundBytes, persistentBytes, arenas, gpuTextures };
}

/** `run conv2d_1 (%input, %w) -> (%y)`, `copy (%w) -> (%w.texture)` */
function parseStep(parser: ProgramParser): StepText {
  const { tokens } = parser;
  let kernel: Token | undefined;
  if (!tokens.accept("copy")) {
    tokens.expect("run");
    kernel = tokens.next;
    tokens.name("the name of a kernel");
  }
  const reads = tokens.list("(", ")", () => parser.parseValue());
  const arrow = tokens.expect("->");
  const writes = tokens.list("(", ")", () => parser.parseValue());
  if (!kernel && (reads.length !== 1 || writes.length !== 1)) tokens.fail("a copy is of one value to one", arrow);
  return { kernel, reads, writes };
}

function resolveStep({ kernel: name, ...step }: StepText, parser: ProgramParser, kernels: KernelList) {
  const reads = step.reads.map((at) => parser.find(at));
  const writes = step.writes.map((at) => parser.find(at));
  if (!name) return { reads: [reads[0]], writes: [writes[0]] } satisfies PlanCopy;
  const kernel = kernels.find(name.name);
  if (!kernel) parser.tokens.fail(`there is no kernel ${name.name}`, name);
  return { kernel, reads, writes } satisfies PlanDispatch;
}

/** `%y: f32[2,4] layout [0, 1] at [0, 512) over [0, 2) in %x` */
function parseBuffer(parser: ProgramParser) {
  const { tokens } = parser;
  const at = parser.parseValue();
  tokens.expect(":");
  const value = parser.mention(at, parser.parseType());
  tokens.expect("at");
  const [offset, upTo] = parseRange(tokens);
  tokens.expect("over");
  const [start, end] = parseRange(tokens);
  const host = tokens.accept("in") ? parser.parseValue() : undefined;
  return { at, value, offset, size: upTo - offset, start, end, host };
}

/** `%w.texture: f32[2,4] of %w at 0 bytes 512 over [0, 2)` */
function parseTexture(parser: ProgramParser) {
  const { tokens } = parser;
  const at = parser.newName();
  tokens.expect(":");
  const value = parser.define(at, parser.parseType());
  tokens.expect("of");
  const of = parser.parseValue();
  tokens.expect("at");
  const gpuTexture = tokens.integer("the number of a texture");
  tokens.expect("bytes");
  const size = tokens.positiveInteger("a number of bytes");
  tokens.expect("over");
  const [start, end] = parseRange(tokens);
  return { value, of, gpuTexture, size, start, end };
}

/** `[0, 512)` */
function parseRange(tokens: TokenStream): readonly [number, number] {
  tokens.expect("[");
  const from = tokens.integer();
  tokens.expect(",");
  const to = tokens.integer();
  tokens.expect(")");
  return [from, to];
}
