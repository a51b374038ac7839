import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { kernelFiles, moduleFiles, programFile, weightsFile } from "../artifact.ts";
import { KilnError } from "../program/error.ts";
import { parseProgramText } from "../program/parse.ts";
import type { Artifact } from "../program/schema.ts";
import { fileError } from "./files.ts";

/** Is this folder an artifact's? */
export async function isArtifact(folder: string): Promise<boolean> {
  return stat(join(folder, programFile)).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Reads an artifact's folder. Throws KilnError of kind "file" or "artifact", with the file and the field. */
export async function readArtifact(folder: string): Promise<Artifact> {
  const read = async (path: string) => {
    try {
      return await readFile(join(folder, path));
    } catch (cause) {
      const hint = path === programFile ? `${folder} is no artifact's folder` : "cannot be read";
      throw fileError(join(folder, path), hint, cause);
    }
  };
  const text = (await read(programFile)).toString("utf8");
  let program: Artifact["program"];
  try {
    program = parseProgramText(text);
  } catch (error) {
    if (!(error instanceof KilnError)) throw error;
    throw new KilnError(error.kind, `${folder}: ${error.message}`, { cause: error });
  }
  const readInside = async (file: string) => {
    const outside = relative(folder, resolve(folder, file)).startsWith("..");
    if (outside)
      throw new KilnError("artifact", `${folder}: program.json: the kernel file ${file} lies outside the folder`);
    return read(file);
  };
  const kernels: Record<string, string> = {};
  for (const file of kernelFiles(program)) kernels[file] = (await readInside(file)).toString("utf8");
  const modules: Record<string, Uint8Array> = {};
  for (const file of moduleFiles(program)) modules[file] = new Uint8Array(await readInside(file));
  const names = await readdir(folder);
  const weights = names.includes(weightsFile) ? new Uint8Array(await read(weightsFile)) : undefined;
  return {
    program,
    kernels,
    ...(Object.keys(modules).length > 0 && { modules }),
    ...(weights && { weights }),
  };
}

/** What an artifact's folder holds; a folder with anything else in it is not replaced. */
const own = /^(program\.json|weights\.safetensors|kernels|ir|[^.].*\.ts)$/;

/**
 * Writes an artifact's folder: whole or not at all. An artifact that is there already is replaced. `more` are further
 * files by path inside the folder ("alexnet.ts", "ir/00-graph.kir"). Throws KilnError of kind "file", also where the
 * folder holds something that is not an artifact's.
 */
export async function writeArtifact(
  folder: string,
  artifact: Artifact,
  more: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<void> {
  const path = resolve(folder);
  const unique = `${process.pid}.${randomBytes(4).toString("hex")}`;
  const aside = join(dirname(path), `.${basename(path)}.${unique}.new`);
  const old = join(dirname(path), `.${basename(path)}.${unique}.old`);
  const files: Record<string, string | Uint8Array> = {
    ...artifact.kernels,
    ...artifact.modules,
    ...more,
    ...(artifact.weights && { [weightsFile]: artifact.weights }),
    [programFile]: `${JSON.stringify(artifact.program, null, 1)}\n`,
  };
  try {
    const there = await readdir(path).catch((error) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    const foreign = there?.find((name) => !own.test(name));
    if (foreign !== undefined || (there && there.length > 0 && !there.includes(programFile)))
      throw new KilnError(
        "file",
        `${folder} holds ${foreign ?? there![0]}, so it is not an artifact's folder and is left alone; name another`,
      );
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(aside, name)), { recursive: true });
      await writeFile(join(aside, name), content);
    }
    if (there) await rename(path, old);
    try {
      await rename(aside, path);
    } catch (error) {
      if (there) await rename(old, path);
      throw error;
    }
    await rm(old, { recursive: true, force: true });
  } catch (cause) {
    await rm(aside, { recursive: true, force: true }).catch(() => {}); // the first failure is the one to tell
    throw fileError(folder, "the artifact cannot be written", cause);
  }
}
