/** The licences of packages that a bundle holds parts of. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The folder of a package, as the file `from` would find it. */
function folderOf(name, from) {
  const places = createRequire(from).resolve.paths(name) ?? [];
  for (const place of places) {
    const folder = join(place, name);
    try {
      readFileSync(join(folder, "package.json"));
      return folder;
    } catch {} // the next one, then
  }
  throw new Error(`${name}, which ${from} needs, is not installed`);
}

/** Folders of the packages that an output of esbuild has bytes of, and of all that they need: some come bundled already. */
function packagesIn({ inputs }, home) {
  const folders = new Set();
  const add = (folder) => {
    if (folders.has(folder)) return;
    folders.add(folder);
    const manifest = join(folder, "package.json");
    for (const name of Object.keys(JSON.parse(readFileSync(manifest, "utf8")).dependencies ?? {}))
      add(folderOf(name, manifest));
  };
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path);
    if (found && bytesInOutput > 0) add(join(home, found[0]));
  }
  return [...folders].sort();
}

/** A file's text, or those of all files in a folder. */
const textsIn = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path).flatMap((name) => textsIn(join(path, name)))
    : [readFileSync(path, "utf8").trim()];

/** Name, version and the text of every licence and notice of the packages in an output, as a comment. */
export function licenseComment(output, home) {
  const texts = packagesIn(output, home).map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copyright)/i.test(file));
    if (files.length === 0) throw new Error(`${folder} has no file with its licence`);
    return [`${name} ${version}`, ...files.flatMap((file) => textsIn(join(folder, file)))].join("\n\n");
  });
  // One that is installed twice is named once.
  const comment = ["This holds parts of the packages below, under the licence that follows each.", ...new Set(texts)];
  return `/*!\n${comment.join("\n\n").replaceAll("*/", "* /")}\n*/\n`;
}
