/** Files that come with the package; from dist/ and from cli/ the way is the same. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** A model file of the package, as the current folder sees it. */
export function packagedModel(name: string): string {
  const path = fileURLToPath(new URL(`../models/${name}.ts`, import.meta.url));
  const near = relative("", path);
  return near.startsWith("..") ? path : near;
}
