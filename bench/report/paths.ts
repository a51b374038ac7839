/** Where things are; from bench/report/ and from dist/bench/, where this is bundled to, the way is the same. */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder, with a slash at the end. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A model file of the package, as the current folder sees it. */
export const packagedModel = (name: string): string => relative("", join(root, "models", `${name}.ts`));

/** A model file of the benchmarks. */
export const benchModel = (name: string): string => relative("", join(root, "bench", "models", `${name}.ts`));
