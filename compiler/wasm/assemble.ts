/**
 * WebAssembly text to its binary form. By wabt, the format's reference tools: it translates instruction by instruction, so
 * that the text beside a binary is what runs (binaryen would rewrite it, and is three times as large).
 */
import type { default as loadWabt } from "wabt";
import { type Artifact, moduleFile } from "../../runtime/program/schema.ts";

type Wabt = Awaited<ReturnType<typeof loadWabt>>;

let loaded: Promise<Wabt> | undefined;

/**
 * The artifact with its kernels assembled, where it is for the target "wasm"; as it is for any other. Running it, and
 * writing it to disk, want it so.
 */
export async function assemble(artifact: Artifact): Promise<Artifact> {
  if (artifact.program.target.class !== "wasm") return artifact;
  const toBinary = await assembler();
  const modules = Object.entries(artifact.kernels).map(
    ([file, text]) => [moduleFile(file), toBinary(file, text)] as const,
  );
  return { ...artifact, modules: Object.fromEntries(modules) };
}

/** Throws an Error with line and column where the text is wrong, which is a fault of the printer. */
async function assembler(): Promise<(file: string, text: string) => Uint8Array> {
  loaded ??= import("wabt").then((module) => module.default());
  const wabt = await loaded;
  return (file, text) => {
    const features = { simd: true, threads: true, bulk_memory: true, sat_float_to_int: true, relaxed_simd: true };
    const module = wabt.parseWat(file, text, features);
    try {
      return module.toBinary({}).buffer;
    } finally {
      module.destroy();
    }
  };
}
