/** The page of a training in headless Chromium: live from `kiln train --dashboard`, and from a file of `kiln report`. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Folder } from "../cli/kiln.ts";
import { launchChromium } from "./chromium.ts";

const folder = new Folder();
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  folder.remove();
});

/** A page that gathers what goes wrong in it and what it asks for. */
async function watchedPage(): Promise<{ page: Page; errors: string[]; requests: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) requests.push(request.url());
  });
  return { page, errors, requests };
}

/** How many colours a canvas has, and its width: one that nothing was drawn on has one. */
const coloursOf = (page: Page, selector: string): Promise<number> =>
  page
    .locator(selector)
    .first()
    .evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
      return new Set(new Uint32Array(data.buffer)).size;
    });

const settings = ["--data", "synthetic", "--batch", "16", "--lr", "0.02", "--eval-limit", "64", "--adapter", "wasm"];
const bits = (name: string) => Buffer.from(readFileSync(folder.file(`${name}/step-000000020.safetensors`)));
const losses = (log: string) =>
  folder
    .read(log)
    .split("\n")
    .flatMap((line) => (line.includes('"event":"step"') ? [JSON.parse(line).loss] : []));

describe("kiln train --dashboard", () => {
  test("a training is seen live, a page loaded again has all of it, and the bits are those without", {
    timeout: 180_000,
  }, async () => {
    const args = ["train", "tiny.ts", ...settings, "--steps", "20"];
    const plain = await folder.kiln(...args, "--log", "plain.jsonl", "--checkpoint", "plain");
    expect(plain.code, plain.stderr).toBe(0);

    const { page, errors, requests } = await watchedPage();
    const run = folder.start([
      ...args,
      "--log",
      "seen.jsonl",
      "--checkpoint",
      "seen",
      "--compare",
      "plain.jsonl",
      "--dashboard",
      "0",
    ]);
    const address = await new Promise<string>((resolve, reject) => {
      let told = "";
      run.child.stderr!.on("data", (text) => {
        told += text;
        const found = /^Dashboard: (http:\/\/127\.0\.0\.1:\d+\/)/m.exec(told);
        if (found) resolve(found[1]);
      });
      run.child.on("close", () => reject(new Error(told)));
    });
    await page.goto(address);
    expect(await page.title()).toBe("tiny · Kiln");
    await page.waitForSelector(".chip:text('ended')", { timeout: 120_000 });
    const { code, stderr } = await run.finished;
    expect(code, stderr).toBe(0);

    expect(await page.textContent(".figure >> nth=0")).toBe("20 / 20step");
    expect(await page.textContent(".notes")).toContain("Training has ended");
    expect(await page.locator("tbody th").allTextContents()).toEqual(["this run", "plain"]);
    for (const chart of ["Loss", "Moving loss", "Images a second"])
      expect(await coloursOf(page, `.chart:has(figcaption:text-is("${chart}")) canvas`)).toBeGreaterThan(10);
    expect(await coloursOf(page, "[aria-label='Filters of the first layer'] canvas")).toBeGreaterThan(100);
    expect(await page.getAttribute("[aria-label='Filters of the first layer'] canvas", "aria-label")).toBe(
      "4 filters of conv2d_1.weight, after step 20",
    );
    expect(await coloursOf(page, "[aria-label='Confusion matrix'] canvas")).toBeGreaterThan(10);
    expect(await page.textContent("[aria-label='Confusion matrix'] .caption")).toMatch(
      /^64 test pictures, .* after step 20\./,
    );
    expect(await page.locator(".prediction").count()).toBe(16);
    const right = await page.locator(".prediction:not(.wrong)").count();
    expect(await page.textContent("[aria-label='Test pictures'] .caption")).toContain(
      `${right} of these 16 right after step 20`,
    );
    expect(errors).toEqual([]);
    expect(requests.every((url) => url.startsWith(address))).toBe(true);

    expect(losses("seen.jsonl")).toEqual(losses("plain.jsonl"));
    expect(bits("seen").equals(bits("plain"))).toBe(true);
    await page.close();
  });
});
