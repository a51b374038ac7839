/** Exit codes, help, and what a person is told who got the command line wrong. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Folder, root } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const commands = readdirSync(join(root, "cli/commands")).map((file) => file.replace(".ts", ""));

test("help", async () => {
  const { code, stdout, stderr } = await kiln("--help");
  expect([code, stderr]).toEqual([0, ""]);
  for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
});

test.each(commands)("help of %s", async (command) => {
  const { code, stdout, stderr } = await kiln(command, "--help");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`Usage: kiln ${command}`);
  // Every option is explained.
  expect(stdout).not.toMatch(/^ {2}-[^ ].*(<\w+>|--\w+)$(?!\n {10,})/m);
});

test("version", async () => {
  const { version } = JSON.parse((await import("node:fs")).readFileSync(join(root, "package.json"), "utf8"));
  expect(await kiln("--version")).toMatchObject({ code: 0, stdout: `${version}\n` });
});

describe("wrong usage ends with 2", () => {
  test.each([
    [[], /Usage: kiln/],
    [["trian", "tiny.ts"], /unknown command 'trian'\n.*Did you mean train\?/s],
    [["train"], /missing required argument 'model'/],
    [["train", "tiny.ts", "--epoch", "1"], /unknown option '--epoch'\n.*Did you mean --epochs\?/s],
    [["train", "tiny.ts", "--batch", "0"], /'0' is invalid.*at least 1/],
    [["train", "tiny.ts", "--lr", "-1"], /'-1' is invalid.*at least 0/],
    [["train", "tiny.ts", "--resume"], /--resume needs --checkpoint DIR/],
    [["train", "tiny.ts", "--optimizer", "adam"], /Allowed choices are sgd/],
    [["train", "--dashboard", "tiny.ts"], /'tiny\.ts' is invalid.*A port from 0/],
    [["train", "tiny.ts", "--dashboard", "70000"], /'70000' is invalid.*to 65535/],
    [["train", "tiny.ts", "--compare", "a.jsonl"], /--compare is for the page of --dashboard/],
    [["report"], /missing required argument 'log'/],
    [["report", "a.jsonl", "--filters", "f.png"], /--filters needs --weights/],
    [["compile", "tiny.ts"], /required option '-o, --output <dir>' not specified/],
    [["compile", "tiny.ts", "-o", "x", "--target", "moon"], /there is no such target; there are portable,/],
    [["compile", "tiny.ts", "-o", "x", "--set", "channels"], /name=value/],
    [["inspect", "tiny.ts"], /--stage is needed: graph, joint,/],
    [["inspect", "tiny.ts", "--format", "html"], /--format html writes a file: say which, -o report\.html/],
    [["inspect", "tiny.ts", "--stage", "plan", "--format", "html", "-o", "x"], /shows all stages; leave --stage out/],
    [["inspect", "tiny.ts", "--stage", "joint", "--mode", "infer"], /needs --mode train/],
    [["run", "tiny.ts", "--out", "o"], /required option '--inputs <in>' not specified/],
    [["run", "tiny.ts", "--inputs", "i", "--out", "o", "--lr", "1"], /--lr is for training: it needs --steps/],
    [["run", "tiny.ts", "--inputs", "i", "--out", "o", "--grads", "--steps", "1"], /two runs/],
  ])("kiln %j", async (args, message) => {
    const { code, stdout, stderr } = await kiln(...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("a user's error ends with 1, with a message and no stack", () => {
  test.each([
    [["train", "gone.ts"], /gone\.ts:1:1 - error KILN1004: there is no file gone\.ts/],
    [["train", "."], /\. is a folder, but not an artifact's/],
    [["train", "tiny.ts", "--set", "width=3"], /error KILN1010: the model has no setting `width`/],
    [["train", "tiny.ts", "--data", "nowhere"], /nowhere: there is no such folder/],
    [["train", "tiny.ts", "--dashboard", "0", "--compare", "gone.jsonl"], /gone\.jsonl: the log cannot be read/],
    [["train", "tiny.ts", "--adapter", "voodoo"], /no adapter is named "voodoo"; found: /],
    [["run", "tiny.ts", "--inputs", "gone", "--out", "o"], /gone: the inputs cannot be read: it does not exist/],
    [["predict", "tiny.ts", "tiny.ts", "--weights", "gone"], /gone: the weights cannot be read: it does not exist/],
    [["compile", "tiny.ts", "-o", "x", "--target", "gone.json"], /gone\.json: .* it does not exist/],
  ])("kiln %j", async (args, message) => {
    const { code, stdout, stderr } = await kiln(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect([code, stdout]).toEqual([1, ""]);
  });
});
