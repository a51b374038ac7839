/** The page of a training in headless Chromium: live from `kiln train --dashboard`, and from a file of `kiln report`. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { f32 } from "../../runtime/program/safetensors.ts";
import { Folder, numbers } from "../cli/kiln.ts";
import { launchChromium } from "./chromium.ts";
import { type WatchedPage, watchedPage } from "./watchedPage.ts";

const folder = new Folder();
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  folder.remove();
});

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

const settings = [
  "--data",
  "synthetic",
  "--batch",
  "64",
  "--lr",
  "0.02",
  "--set",
  "channels=16",
  "--eval-limit",
  "64",
  "--adapter",
  "wasm",
];
/** Some seconds, in which a page can be loaded again. */
const steps = 600;
const weights = (name: string) => readFileSync(folder.file(`${name}/step-000000600.safetensors`));
const losses = (log: string): number[] =>
  folder
    .read(log)
    .split("\n")
    .flatMap((line) => (line.includes('"event":"step"') ? [JSON.parse(line).loss] : []));

/** Starts a training with a dashboard; gives its address once it is told. */
async function trainSeen(args: readonly string[]) {
  const run = folder.start([...args, "--dashboard", "0"]);
  const address = await new Promise<string>((resolve, reject) => {
    let told = "";
    run.child.stderr!.on("data", (text) => {
      told += text;
      const found = /^Dashboard: (http:\/\/127\.0\.0\.1:\d+\/)/m.exec(told);
      if (found) resolve(found[1]);
    });
    run.child.on("close", () => reject(new Error(told)));
  });
  return { ...run, address };
}

const part = (name: string) => `[aria-label="${name}"]`;
const chart = (name: string) => `.chart:has(figcaption:text-is("${name}")) canvas`;
/** The pixels of a canvas. */
const picture = (page: Page, selector: string): Promise<string> =>
  page.locator(selector).evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
const ended = (page: Page) => page.waitForSelector(".chip:text-is('ended')", { timeout: 120_000 });

describe("kiln train --dashboard", () => {
  let address = "";
  const args = ["train", "tiny.ts", ...settings, "--steps", `${steps}`];
  const pages: WatchedPage[] = [];
  const [stayed, reloaded] = [() => pages[0].page, () => pages[1].page];

  beforeAll(async () => {
    const plain = await folder.kiln(...args, "--log", "plain.jsonl", "--checkpoint", "plain");
    expect(plain.code, plain.stderr).toBe(0);
    pages.push(await watchedPage(browser), await watchedPage(browser));
    const run = await trainSeen([...args, "--log", "seen.jsonl", "--checkpoint", "seen", "--compare", "plain.jsonl"]);
    address = run.address;
    await Promise.all(pages.map(({ page }) => page.goto(address)));
    await reloaded().waitForSelector(".prediction");
    expect(await reloaded().textContent(".chip")).toBe("training");
    await reloaded().reload();
    await Promise.all(pages.map(({ page }) => ended(page)));
    // Both pages are still open.
    expect(await run.finished).toMatchObject({ code: 0, signal: null, stdout: "" });
  }, 240_000);

  test("a training has the bits that it has without", () => {
    expect(losses("seen.jsonl")).toHaveLength(steps);
    expect(losses("seen.jsonl")).toEqual(losses("plain.jsonl"));
    expect(weights("seen").equals(weights("plain"))).toBe(true);
  });

  test("curves, filters, predictions and the confusion matrix are there, and stay when training has ended", async () => {
    const page = stayed();
    expect(await page.title()).toBe("tiny · Kiln");
    expect(await page.locator(".figure").first().textContent()).toBe("600 / 600step");
    expect(await page.textContent(".who")).toContain("Training has ended. This page keeps what it shows");
    expect(await page.locator("tbody th").allTextContents()).toEqual(["this run", "plain"]);
    for (const name of ["Loss", "Moving loss", "Images a second", "Accuracy (dots: test; diamonds: training)"])
      expect(await coloursOf(page, chart(name)), name).toBeGreaterThan(10);
    const filters = page.locator(`${part("Filters of the first layer")} canvas`);
    expect(await filters.getAttribute("aria-label")).toBe("16 filters of conv2d_1.weight, after step 600");
    expect(await coloursOf(page, `${part("Filters of the first layer")} canvas`)).toBeGreaterThan(60);
    expect(await coloursOf(page, `${part("Confusion matrix")} canvas`)).toBeGreaterThan(10);
    expect(await page.textContent(`${part("Confusion matrix")} .caption`)).toMatch(
      /^64 test pictures, .* after step 600\./,
    );
    expect(await page.locator(".prediction").count()).toBe(32);
    const right = await page.locator(".prediction:not(.wrong)").count();
    expect(await page.textContent(`${part("Test pictures")} .caption`)).toContain(
      `${right} of these 32 right after step 600`,
    );
  });

  test("a page that was loaded again in the middle shows what one does that was there all the time", async () => {
    await stayed().waitForTimeout(1000); // both have drawn the last of it
    for (const selector of [...["Loss", "Moving loss"].map(chart), `${part("Confusion matrix")} canvas`])
      expect(await picture(reloaded(), selector), selector).toBe(await picture(stayed(), selector));
    expect(await reloaded().textContent("tbody")).toBe(await stayed().textContent("tbody"));
  });

  test("the slider smooths, the box makes the loss logarithmic, and a run can be hidden", async () => {
    const page = stayed();
    const seen = [await picture(page, chart("Loss"))];
    const look = async () => {
      await page.waitForTimeout(200);
      const now = await picture(page, chart("Loss"));
      expect(seen).not.toContain(now);
      seen.push(now);
    };
    await page.fill("input[type=range]", "0.9");
    expect(await page.textContent("output")).toBe("0.90");
    await look();
    await page.check("text=Logarithmic loss");
    await look();
    await page.uncheck("tbody tr:nth-child(2) input");
    await look();
  });

  test("nothing failed on the page, and nothing was asked of anybody else", () => {
    for (const { errors, requests } of pages) {
      expect(errors).toEqual([]);
      expect(new Set(requests)).toEqual(new Set([address, `${address}events`]));
    }
  });
});

describe("kiln report", () => {
  test("is a file that shows the runs, and asks nobody for anything", { timeout: 120_000 }, async () => {
    const step = (n: number, loss: number) =>
      `{"event":"step","epoch":0,"step":${n},"loss":${loss},"movingLoss":2,"imagesPerSecond":${10 * n}}\n`;
    folder.write("one.jsonl", `${step(1, 2.5)}${step(2, 1.5)}`);
    folder.write(
      "two.jsonl",
      `${step(1, 3)}<b>\n{"event":"epoch","epoch":0,"movingLoss":2,"trainAccuracy":0.5,"testAccuracy":0.25}\n`,
    );
    folder.writeTensors("w.safetensors", { "conv2d_1.weight": f32([6, 3, 5, 5], numbers(450)) });
    const { code, stderr } = await folder.kiln(
      "report",
      "one.jsonl",
      "two.jsonl",
      "--weights",
      "w.safetensors",
      "-o",
      "r.html",
    );
    expect(code, stderr).toBe(0);
    const { page, errors, requests } = await watchedPage(browser);
    const url = pathToFileURL(folder.file("r.html")).href;
    await page.goto(url);
    await page.waitForSelector("tbody tr");
    const rows = await page
      .locator("tbody tr")
      .evaluateAll((all) => all.map((row) => [...(row as HTMLTableRowElement).cells].map((cell) => cell.textContent)));
    expect(rows).toEqual([
      ["one", "2", "1.5000", "2.0000", "–", "–", "15.0"],
      ["two", "1", "3.0000", "3.0000", "50.0%", "25.0%", "10.0"],
    ]);
    expect(await page.textContent(".notes")).toBe("two.jsonl: 1 line was passed over");
    expect(await coloursOf(page, chart("Loss"))).toBeGreaterThan(10);
    expect(await coloursOf(page, `${part("Filters of the first layer")} canvas`)).toBeGreaterThan(60);
    expect(
      await page
        .locator(`.chip:visible, ${part("Confusion matrix")}:visible, ${part("Test pictures")}:visible`)
        .count(),
    ).toBe(0);
    expect(errors).toEqual([]);
    expect(requests).toEqual([url]);
    await page.close();
  });
});
