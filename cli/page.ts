/** Pages that stand alone: a script of pages/, styles and data in one HTML file, which loads nothing. */
import { readFileSync } from "node:fs";

/** Scripts that tools/build.js makes of pages/. */
export type PageScript = "program" | "training";

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
<script>${code.replaceAll("</script", "<\\/script")}</script>
</body>
</html>
`;
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

/** JSON in which no end of a script element, nor the start of a comment, can stand. */
const forScript = (json: string): string => json.replaceAll("<", "\\u003c");
