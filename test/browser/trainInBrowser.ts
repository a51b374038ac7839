import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { launchChromium } from "./chromium.ts";

interface PageOptions {
  /** The page's script in this folder: WebGPU's where not said. */
  readonly script?: "page.ts" | "wasmPage.ts";
  /** Served as cross-origin isolated, so that workers may share its memory. */
  readonly isolated?: boolean;
}

/** Trains the artifact in `folder` in a tab of headless Chromium, which gets it over HTTP; see lossesOf. */
export async function trainInBrowser(folder: string, steps: number, size: number, options: PageOptions = {}) {
  const { script = "page.ts", isolated = false } = options;
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL(script, import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  const server = createServer(async (request, response) => {
    if (isolated) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    const path = normalize(new URL(request.url!, "http://localhost").pathname);
    const send = (type: string, content: string | Uint8Array) => response.setHeader("content-type", type).end(content);
    if (path === "/") return send("text/html", '<!doctype html><script type="module" src="page.js"></script>');
    if (path === "/page.js") return send("text/javascript", bundle.outputFiles[0].contents);
    const file = path.startsWith("/artifact/") ? join(folder, path.slice("/artifact/".length)) : null;
    const content = file && (await readFile(file).catch(() => null));
    if (content) send("application/octet-stream", content);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    // Only on localhost (or https) does a page get WebGPU.
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "train" in window);
    const result = await page.evaluate(([n, s]) => window.train(n, s), [steps, size]);
    return { ...result, errors };
  } finally {
    await browser.close();
    server.close();
  }
}
