/** What the README shows is so. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Folder, root } from "./kiln.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
const block = (part: string) => blocks.find(({ text }) => text.includes(part))!.text;

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

test("the model file compiles, and its setting works", async () => {
  folder.write("lenet.ts", block("export default model"));
  expect(await kiln("compile", "lenet.ts", "-o", "built", "--set", "width=32")).toMatchObject({ code: 0 });
});

test("the mistake is reported as shown", async () => {
  folder.write("lenet.ts", block("export default model").replace("channels: 50", "chanels: 50"));
  const { stderr } = await kiln("compile", "lenet.ts", "-o", "wrong");
  const [, ...shown] = block("KILN2002").split("\n");
  expect(stderr).toBe(`${shown.join("\n")}\n1 error\n`);
});

test("the fused kernel is the compiler's", async () => {
  const { child, finished } = folder.start([
    ...[
      "inspect",
      join(root, "models/alexnet.ts"),
      "--stage",
      "fused",
      "--target",
      "lavapipe",
      "--algorithm",
      "direct",
    ],
  ]);
  expect(child.pid).toBeDefined();
  const { stdout } = await finished;
  const bare = (text: string) => text.replaceAll(/@ \S*(models\/alexnet\.ts)/g, "@ $1");
  expect(bare(stdout)).toContain(block("conv2dWeightGradient"));
});

test("the commands and the files that it names exist", async () => {
  const { stdout } = await kiln("--help");
  const named = [...readme.matchAll(/^\| `kiln (\w+)/gm)].map(([, command]) => command);
  expect(named.length).toBeGreaterThan(6);
  for (const command of named) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
  const links = [...readme.matchAll(/\]\(([^):]+)\)/g)].map(([, path]) => path);
  expect(links.length).toBeGreaterThan(6);
  for (const path of links) expect(existsSync(join(root, path)), path).toBe(true);
});
