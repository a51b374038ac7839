/** `kiln inspect -o`. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { Folder } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

describe("kiln inspect -o", () => {
  test("writes what it would print", async () => {
    const printed = await kiln("inspect", "tiny.ts", "--stage", "fused");
    const { code, stdout } = await kiln("inspect", "tiny.ts", "--stage", "fused", "-o", "out/fused.kir");
    expect([code, stdout]).toEqual([0, ""]);
    expect(folder.read("out/fused.kir")).toBe(printed.stdout);
  });

  test("a page is the same each time, and names the model", async () => {
    const pages = [];
    for (const name of ["a.html", "b.html"]) {
      expect(await kiln("inspect", "tiny.ts", "--format", "html", "-o", name)).toMatchObject({ code: 0, stdout: "" });
      pages.push(folder.read(name));
    }
    expect(pages[0]).toBe(pages[1]);
    expect(pages[0]).toContain("<title>tiny (train, batch 64, portable)</title>");
  });

  test("a page of a program in slices shows them in their layers", async () => {
    const args = [
      "inspect",
      resolve("models/lenet.ts"),
      "--memory-limit",
      "4.8MiB",
      "--format",
      "html",
      "-o",
      "d.html",
    ];
    const { code, stderr } = await kiln(...args);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^Memory limit 4\.8 MiB: .* kernels instead of \d+, /m)]);
    const [, packed] = /"packed":"([^"]*)"/.exec(folder.read("d.html"))!;
    const data = gunzipSync(Buffer.from(packed, "base64")).toString();
    expect(data).toMatch(/"name":"maxPool2d_maxPool2d_1_y_slice\d"/);
  });

  test("an artifact's folder has no page, and says what has", async () => {
    await kiln("compile", "tiny.ts", "--batch", "2", "-o", "built");
    const { code, stderr } = await kiln("inspect", "built", "--format", "html", "-o", "c.html");
    expect(stderr).toMatch(
      /built is an artifact, which holds kernels and plan; for --format html inspect the model file/,
    );
    expect([code, existsSync(folder.file("c.html"))]).toEqual([1, false]);
    const bench = await kiln("bench", "built", "--report", "c.html");
    expect(bench.stderr).toMatch(/for --report bench the model file/);
    expect(bench.code).toBe(1);
  });
});
