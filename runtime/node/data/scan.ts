/** What lies in an image folder, by name alone: DIR/train/<class>/*.jpg and DIR/test/<class>/*.jpg. */

import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { dataError, isMissing, reason, some } from "./dataSet.ts";

/** Picture files and their labels, in the order of classes and then of names. */
export interface Listing {
  readonly files: readonly string[];
  readonly labels: Int32Array;
}

export interface FolderListing {
  /** The class folders' names, sorted by code unit: the same on every machine. */
  readonly classNames: readonly string[];
  readonly train: Listing;
  readonly test: Listing;
}

const extensions = [".jpg", ".jpeg", ".png"];

/**
 * Lists an image folder. Names that begin with a dot are passed over; anything else that is no picture is an error.
 * @throws KilnError of kind "data", naming the folder or file
 */
export async function scanImageFolder(folder: string): Promise<FolderListing> {
  const [trainClasses, testClasses] = [
    await classFolders(join(folder, "train")),
    await classFolders(join(folder, "test")),
  ];
  for (const [here, there, have, lack] of [
    ["train", "test", trainClasses, testClasses],
    ["test", "train", testClasses, trainClasses],
  ] as const) {
    const missing = have.filter((name) => !lack.includes(name));
    if (missing.length > 0)
      throw dataError(
        join(folder, there),
        `has no class folder ${some(missing)}, which ${here}/ has; both need the same classes`,
      );
  }
  return {
    classNames: trainClasses,
    train: await list(join(folder, "train"), trainClasses),
    test: await list(join(folder, "test"), trainClasses),
  };
}

async function classFolders(split: string): Promise<string[]> {
  const names: string[] = [];
  for (const { name, isFolder } of await entries(split)) {
    if (isFolder) names.push(name);
    else if (isPictureName(name))
      throw dataError(
        join(split, name),
        "lies beside the class folders; a picture belongs into the folder of its class",
      );
  }
  if (names.length === 0) throw dataError(split, "has no class folders; it should hold one folder of pictures a class");
  return names;
}

async function list(split: string, classNames: readonly string[]): Promise<Listing> {
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, className] of classNames.entries()) {
    const folder = join(split, className);
    const pictures = await entries(folder);
    if (pictures.length === 0) throw dataError(folder, "is empty; every class needs at least one picture");
    for (const { name, isFolder } of pictures) {
      if (isFolder) throw dataError(join(folder, name), "is a folder; a class folder holds pictures alone");
      if (!isPictureName(name))
        throw dataError(
          join(folder, name),
          `is no picture by its name (${extensions.join(", ")}); remove or convert it`,
        );
      files.push(join(folder, name));
      labels.push(label);
    }
  }
  return { files, labels: Int32Array.from(labels) };
}

const isPictureName = (name: string): boolean => extensions.includes(extname(name).toLowerCase());

/** A folder's entries but for hidden ones, sorted by code unit; links count as what they lead to. */
async function entries(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
  try {
    const visible = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith("."));
    const found = visible.map(async (entry) => ({
      name: entry.name,
      isFolder: entry.isSymbolicLink() ? (await stat(join(folder, entry.name))).isDirectory() : entry.isDirectory(),
    }));
    return (await Promise.all(found)).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) throw dataError((error as NodeJS.ErrnoException).path ?? folder, "does not exist", error);
    throw dataError(folder, `cannot be read: ${reason(error)}`, error);
  }
}
