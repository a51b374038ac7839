import { KilnError } from "./program/error.ts";
import { parseProgramText } from "./program/parse.ts";
import { type Artifact, moduleFile, type Program } from "./program/schema.ts";

/** Paths inside an artifact's folder. */
export const programFile = "program.json";
export const weightsFile = "weights.safetensors";

/** The files of a program's kernels, each once: WGSL, or WebAssembly text. */
export const kernelFiles = (program: Program): string[] => [...new Set(program.kernels.map((kernel) => kernel.file))];

/** The binaries of a program's kernels; none where they are WGSL. */
export const moduleFiles = (program: Program): string[] =>
  program.target.class === "wasm" ? kernelFiles(program).map(moduleFile) : [];

/**
 * Loads an artifact's folder over HTTP: `program.json`, the kernels, and `weights.safetensors` where it is there.
 * `base` is the folder's address, e.g. `new URL(".", import.meta.url)`. Throws KilnError of kind "artifact".
 */
export async function loadArtifact(base: string | URL): Promise<Artifact> {
  const root = new URL(base, globalThis.location?.href);
  if (!root.pathname.endsWith("/")) root.pathname += "/";
  const get = async (path: string): Promise<Response | null> => {
    const url = new URL(path, root);
    const response = await fetch(url).catch((cause) => {
      throw new KilnError("artifact", `${url}: ${cause.message}`, { cause });
    });
    if (response.status === 404) return null;
    if (!response.ok) throw new KilnError("artifact", `${url}: HTTP ${response.status} ${response.statusText}`);
    return response;
  };
  const need = async (path: string): Promise<Response> => {
    const response = await get(path);
    if (!response)
      throw new KilnError("artifact", `${new URL(path, root)} is not there; is ${root} an artifact's folder?`);
    return response;
  };
  const program = parseProgramText(await (await need(programFile)).text());
  const kernels = kernelFiles(program).map(async (file) => [file, await (await need(file)).text()] as const);
  const modules = moduleFiles(program).map(
    async (file) => [file, new Uint8Array(await (await need(file)).arrayBuffer())] as const,
  );
  const [texts, binaries, weights] = await Promise.all([Promise.all(kernels), Promise.all(modules), get(weightsFile)]);
  return {
    program,
    kernels: Object.fromEntries(texts),
    ...(binaries.length > 0 && { modules: Object.fromEntries(binaries) }),
    ...(weights && { weights: new Uint8Array(await weights.arrayBuffer()) }),
  };
}

/** SHA-256 of what an artifact computes: program and kernels, not its weights. In hex. A checkpoint records it, since
 * another schedule of the same model gives other bits. */
export async function artifactHash({ program, kernels }: Artifact): Promise<string> {
  const files = kernelFiles(program).sort();
  const text = JSON.stringify([program, files.map((file) => [file, kernels[file]])]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
