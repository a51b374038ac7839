/** Licences: NOTICE names what Kiln uses, and pages carry those of what is in them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dependencies } from "../../package.json";
import { root } from "../cli/kiln.ts";

const notice = readFileSync(join(root, "NOTICE"), "utf8");
const pages = join(root, "dist/pages");
const scripts = readdirSync(pages).map((file) => [file, readFileSync(join(pages, file), "utf8")] as const);

/** The packages that a script's first comment has licences of. */
const licensed = (script: string): string[] => {
  const [, comment] = /^\/\*!\n(.*?)\*\//s.exec(script)!;
  return [...comment.matchAll(/^(\S+) \d+\.\d+\.\d+$/gm)].map(([, name]) => name);
};

test("NOTICE names every package that is installed with Kiln, or is in a page", () => {
  const names = [...Object.keys(dependencies), ...scripts.flatMap(([, script]) => licensed(script))];
  for (const name of names) expect(notice).toMatch(new RegExp(`(^  |, )${name}(,| {2,})`, "m"));
});

test("the script of a page begins with the licences of what is in it", () => {
  const byScript = Object.fromEntries(scripts.map(([file, script]) => [file, licensed(script)]));
  const program = ["@dagrejs/dagre", "@dagrejs/graphlib", "diff"];
  const charts = ["echarts", "tslib", "zrender"];
  expect(byScript).toEqual({
    "program.js": program,
    "measured.js": [...program, ...charts],
    "training.js": charts,
  });
  for (const [, script] of scripts) expect(script).toMatch(/Redistributions in binary form must reproduce/);
});
