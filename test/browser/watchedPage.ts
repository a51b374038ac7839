import type { Browser, Page } from "playwright-core";

export interface WatchedPage {
  readonly page: Page;
  /** What failed in it, and what its console warns of. */
  readonly errors: readonly string[];
  /** The addresses that it asks for, its own among them; data in an address is no request. */
  readonly requests: readonly string[];
}

/** An empty page that gathers what goes wrong in it and what it asks for. */
export async function watchedPage(browser: Browser): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) requests.push(request.url());
  });
  return { page, errors, requests };
}
