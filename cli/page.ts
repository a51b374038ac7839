/** Pages that stand alone: a script of pages/, styles and data in one HTML file, which loads nothing. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** Scripts that tools/build.js makes of pages/. */
export type PageScript = "program" | "measured" | "training";

/** An HTML document that runs the script over the data, which is any JSON. From dist/ and from cli/ the way is the same. */
export function htmlPage(script: PageScript, title: string, data: unknown): string {
  const code = readFileSync(new URL(`../dist/pages/${script}.js`, import.meta.url), "utf8");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
</head>
<body>
<script type="application/json" id="data">${forScript(JSON.stringify(data))}</script>
<script type="text/plain" id="code">${gzipped(code)}</script>
<script>${runPacked}</script>
</body>
</html>
`;
}

/** The script is a third of its size where it is packed; what unpacks it stands as it is. */
const runPacked = `(async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("code").textContent), (c) => c.charCodeAt(0));
  const script = document.createElement("script");
  script.textContent = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  document.body.append(script);
})();`;

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

/** JSON in which no end of a script element, nor the start of a comment, can stand. */
const forScript = (json: string): string => json.replaceAll("<", "\\u003c");

/** JSON for a page's data where that is large: `unpack` of pages/data.ts reads it. */
export const pack = (value: unknown): string => gzipped(JSON.stringify(value));

const gzipped = (text: string): string => gzipSync(text, { level: 9 }).toString("base64");
