/** The report's page in headless Chromium, from a file, as a reader opens it. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Folder, root } from "../cli/kiln.ts";
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

const addressOf = (file: string): string => pathToFileURL(file).href;

/** The page of a file, drawn. */
async function open(file: string, hash = ""): Promise<WatchedPage> {
  const watched = await watchedPage(browser);
  await watched.page.goto(addressOf(file) + hash);
  await watched.page.waitForSelector("body[data-ready]");
  return watched;
}

const model = (name: string) => join(root, "models", `${name}.ts`);

async function inspect(name: string): Promise<string> {
  const file = folder.file(`${name}.html`);
  const { code, stderr } = await folder.kiln("inspect", model(name), "--format", "html", "-o", file);
  expect(stderr).toContain(`Written to ${file}`);
  expect(code).toBe(0);
  return file;
}

describe("LeNet", () => {
  let file: string;
  beforeAll(async () => {
    file = await inspect("lenet");
  });

  test("a kernel shows its line in the model file and its WGSL; nothing is loaded, nothing fails", async () => {
    const { page, errors, requests } = await open(file);
    expect(await page.title()).toBe("lenet (train, batch 64, portable)");
    await page.click(".box .row:has-text('denseInputGradient + reluGradient')");
    expect((await page.locator(".details .marked").allTextContents()).join()).toContain(
      "return dense(x, { units: 10 });",
    );
    expect(await page.textContent(".section-code")).toContain("@compute @workgroup_size(");
    expect(await page.textContent(".section-fused")).toContain("group denseInputGradient_d_dense_1 over");
    expect(await page.textContent(".section-ops")).toContain("reluGradient(y: %relu_3, dy: %d.relu_3)");
    // The address keeps it.
    expect(page.url()).toMatch(/#graph\/step\/9$/);
    await page.keyboard.press("Escape");
    expect(await page.textContent(".details")).toContain("Model file");
    expect(errors).toEqual([]);
    expect(requests).toEqual([addressOf(file)]);
    await page.close();
  });

  test("every kernel is a box with its ops, shapes on the links between them; an op shows its options", async () => {
    const { page, errors } = await open(file);
    await page.click("button:has-text('Kernels') >> nth=1");
    expect(await page.locator(".box").count()).toBe(26);
    expect(await page.locator(".link text").allTextContents()).toContain("64×20×14×14");
    await page.click(".box:has-text('conv2d_conv2d_2') .row >> nth=0");
    expect(await page.textContent(".section-ops")).toContain("{ channels: 50, kernel: [5, 5]");
    expect(errors).toEqual([]);
    await page.close();
  });

  test("passes are listed with what they changed", async () => {
    const { page, errors } = await open(file, "#passes/pass/16");
    const items = await page.locator(".passes li").allTextContents();
    expect(items).toHaveLength(26);
    expect(items[15]).toMatch(/^algorithm\s*unchanged/);
    expect(items[16]).toMatch(/^split-reductions\s*\+12 −8/);
    expect(await page.locator("tr.added").count()).toBe(12);
    expect(await page.locator("tr.removed").count()).toBe(8);
    await page.click("text=Side by side");
    expect(await page.locator("td.added").count()).toBe(12);
    await page.click("text=Whole text");
    expect(await page.textContent(".whole .code")).toMatch(/^expr lenet train/);
    expect(errors).toEqual([]);
    await page.close();
  });

  test("the memory plan names what the pointer is on, and selects what is clicked", async () => {
    const { page, errors } = await open(file, "#memory");
    expect(await page.locator(".tensor").count()).toBe(23);
    const tensor = page.locator(".tensor:has-text('%maxPool2d_1.winner') rect");
    await tensor.hover();
    expect(await page.textContent(".tooltip")).toContain("u32 64×20×14×14");
    await tensor.click();
    expect(await page.textContent(".details")).toMatch(
      /Written by.*maxPool2d_maxPool2d_1_y.*Read by.*maxPool2dGradient_d_conv2d_1/s,
    );
    expect(errors).toEqual([]);
    await page.close();
  });

  test("the search finds a tensor; the table sorts", async () => {
    const { page, errors } = await open(file, "#kernels");
    expect(await page.locator(".kernels tbody tr").count()).toBe(26);
    await page.click("th:has-text('operations')");
    expect(await page.textContent(".kernels tbody tr >> nth=0")).toContain(
      "conv2dInputGradient_d_maxPool2d_1_y_largest",
    );
    await page.keyboard.press("/");
    await page.keyboard.type("dense_2 weight next");
    await page.keyboard.press("Enter");
    expect(await page.textContent(".details h2")).toMatch(/dense_2[._]weight[._]next/);
    expect(errors).toEqual([]);
    await page.close();
  });
});

test("with times: every kernel under the roofline, every layer's share", { timeout: 120_000 }, async () => {
  const file = folder.file("bench.html");
  const { code, stderr } = await folder.kiln("bench", "tiny.ts", "--batch", "4", "--repeats", "1", "--report", file);
  expect([code, stderr.includes(`Written to ${file}`)]).toEqual([0, true]);
  const { page, errors, requests } = await open(file, "#times");
  await page.waitForSelector(".roofline svg path", { state: "attached" });
  expect(await page.textContent(".roofline")).toMatch(/GFLOP\/s.*GB\/s/s);
  expect(await page.textContent(".shares")).toMatch(/pictures.*conv2d_1, line 4.*dense_1, line 6.*loss/s);
  expect(errors).toEqual([]);
  expect(requests).toEqual([addressOf(file)]);
  await page.close();
});

test.each(["alexnet", "resnet18"])(
  "%s: every tab renders, in less than a megabyte",
  { timeout: 120_000 },
  async (name) => {
    const file = await inspect(name);
    expect(statSync(file).size).toBeLessThan(1_000_000);
    const { page, errors, requests } = await open(file);
    for (const [tab, drawn] of Object.entries({
      passes: ".passes li",
      memory: ".tensor",
      kernels: ".kernels td",
      graph: ".box",
    })) {
      await page.click(`[data-tab=${tab}]`);
      expect(await page.locator(`main > section:not([hidden]) ${drawn}`).count(), tab).toBeGreaterThan(10);
    }
    expect(errors).toEqual([]);
    expect(requests).toEqual([addressOf(file)]);
    await page.close();
  },
);
