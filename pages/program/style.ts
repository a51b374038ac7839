/** The page's style sheet. Light and dark follow the system's setting. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f7f8fa; --sunk: #eef0f3; --line: #dcdfe4; --ink: #1c2128; --quiet: #5f6875; --accent: #2a62c9;
  --mark: #fff1c2; --added: #dff5e3; --removed: #fde4e4; --moved: #e6ecfb;
  --forward: #3b78d8; --backward: #c2622d; --update: #5b8c3a; --pictures: #8a8f98;
  --activation: #6f9fe8; --gradient: #e39a6b; --temporary: #b9a5dc; --input: #8fbf8f; --output: #e0c05c; --labels: #9aa3ad;
  --parameter: #7fb3b0; --velocity: #a9c9c7; --statistic: #c7b98f;
  --t-keyword: #8039a8; --t-number: #0b6a5c; --t-value: #1a55b0; --t-type: #8a5a00; --t-comment: #6a737d; --t-string: #a3342b;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1b1f26; --sunk: #0f1216; --line: #313843; --ink: #dfe4ea; --quiet: #929cab; --accent: #7aa7ff;
    --mark: #4a3f16; --added: #17371f; --removed: #43201f; --moved: #1f2b47;
    --forward: #5f97ee; --backward: #dd8250; --update: #7fb35c; --pictures: #80868f;
    --activation: #4a78be; --gradient: #b56c3e; --temporary: #7c68a6; --input: #5a8f5a; --output: #a98d33; --labels: #6d7680;
    --parameter: #4d8582; --velocity: #3c6360; --statistic: #877b50;
    --t-keyword: #c792ea; --t-number: #6ccfb9; --t-value: #8ab4ff; --t-type: #e0b55f; --t-comment: #7f8894; --t-string: #f0938a;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--ground); color: var(--ink);
  font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 5px; padding: 2px 9px; cursor: pointer; }
button:hover { background: var(--sunk); } button:disabled { opacity: .4; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -1px; }
.quiet { color: var(--quiet); }
h1, h2, h3, p { margin: 0; }

.top { display: grid; grid-template-columns: 1fr auto; gap: 4px 24px; align-items: center; padding: 10px 16px 0; border-bottom: 1px solid var(--line); background: var(--raised); }
.top h1 { font-size: 17px; display: inline; margin-right: 10px; } .top .who p { display: inline; color: var(--quiet); }
.figures { display: flex; flex-wrap: wrap; gap: 2px 22px; justify-content: flex-end; grid-column: 2; grid-row: 1 / span 1; }
.figure { display: flex; flex-direction: column; line-height: 1.25; } .figure b { font-weight: 600; font-variant-numeric: tabular-nums; }
.figure span { color: var(--quiet); font-size: 11px; }
.top .by { display: none; }
.tabs { display: flex; gap: 2px; align-self: end; }
.tabs button { border: 0; border-bottom: 2px solid transparent; border-radius: 0; padding: 6px 12px; color: var(--quiet); }
.tabs button:hover { background: none; color: var(--ink); }
.tabs button[aria-selected=true] { border-color: var(--accent); color: var(--ink); font-weight: 600; }
.search { position: relative; justify-self: end; padding-bottom: 6px; }
.search input { font: inherit; width: 260px; padding: 3px 9px; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 5px; }
.hits { position: absolute; z-index: 5; right: 0; top: 28px; width: 440px; margin: 0; padding: 4px; list-style: none; background: var(--ground);
  border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 6px 24px #0003; }
.hits li { display: flex; justify-content: space-between; gap: 12px; padding: 3px 8px; border-radius: 4px; cursor: pointer; overflow-wrap: anywhere; }
.hits li.on, .hits li:hover { background: var(--sunk); }

main { flex: 1; min-height: 0; display: flex; }
main > section { flex: 1; min-width: 0; display: flex; flex-direction: column; }
.tools { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; padding: 8px 12px; }
.tools .hint { color: var(--quiet); margin-left: auto; font-size: 12px; }
.segments { display: inline-flex; } .segment { border-radius: 0; margin-left: -1px; }
.segment:first-child { border-radius: 5px 0 0 5px; } .segment:last-child { border-radius: 0 5px 5px 0; }
.segment.on { background: var(--accent); border-color: var(--accent); color: var(--ground); }
.legend { display: inline-flex; flex-wrap: wrap; gap: 2px 12px; color: var(--quiet); margin-left: 8px; align-items: center; white-space: pre; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 2px; background: var(--fill); vertical-align: -1px; }
.swatch.line-live { height: 2px; background: var(--ink); vertical-align: 4px; width: 16px; }
.swatch.line-bound { height: 0; background: none; border-top: 2px dashed #d33; vertical-align: 4px; width: 16px; }
${[
  "forward",
  "backward",
  "update",
  "pictures",
  "activation",
  "gradient",
  "temporary",
  "input",
  "output",
  "labels",
  "parameter",
  "velocity",
  "statistic",
]
  .map((name) => `.fill-${name} { --fill: var(--${name}); fill: var(--${name}); }`)
  .join("\n")}

svg { display: block; flex: 1; min-height: 0; width: 100%; user-select: none; }
svg text { fill: var(--ink); font: 11px var(--mono); }
svg.graph { cursor: grab; touch-action: none; background: radial-gradient(var(--line) 0.7px, transparent 0.8px) 0 0 / 22px 22px; }
svg.graph:active { cursor: grabbing; }
.box { cursor: pointer; } .box .body { fill: var(--raised); stroke: var(--line); }
.box:hover .body { stroke: var(--quiet); }
.box .title { font-weight: 600; font-size: 11px; } .box .subtitle { fill: var(--quiet); font-size: 10.5px; }
.row .back { fill: var(--ground); } .row:hover .back { fill: var(--sunk); }
.row .share { opacity: .28; } .row .detail { fill: var(--quiet); text-anchor: end; }
.box.selected > .body { stroke: var(--accent); stroke-width: 2; } .row.selected .back { fill: var(--mark); }
.link { cursor: pointer; } .link .line { fill: none; stroke: var(--quiet); stroke-width: 1.2; } .link .grip { fill: none; stroke: transparent; stroke-width: 9; }
.link.gradient .line { stroke: var(--backward); } .link.saved .line { stroke: var(--line); }
.link text { text-anchor: middle; fill: var(--quiet); font-size: 10.5px; paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
.link.saved { opacity: .6; } .many .link.saved:not(.selected) { display: none; } .some .link.saved { opacity: .12; }
.link:hover .line, .link.selected .line { stroke: var(--accent); stroke-width: 2.2; } .link.selected, .some .link.selected { opacity: 1; }
.link:hover text, .link.selected text { fill: var(--ink); }

.details { width: 440px; flex: none; overflow: auto; padding: 12px 14px 40px; border-left: 1px solid var(--line); background: var(--raised); resize: horizontal; direction: ltr; }
.details h2 { font: 600 13px/1.5 var(--mono); overflow-wrap: anywhere; margin-bottom: 8px; } .details h3 { font-size: 12px; margin: 10px 0 4px; }
.badge { display: inline-block; font: 11px/1.5 system-ui, sans-serif; padding: 0 7px; margin-right: 4px; border: 1px solid var(--line); border-radius: 9px; color: var(--quiet); }
.text-forward { color: var(--forward); border-color: var(--forward); } .text-backward { color: var(--backward); border-color: var(--backward); }
.text-update { color: var(--update); border-color: var(--update); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 1px 14px; margin: 0 0 10px; } .facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.section { margin: 8px 0; } .section > summary { cursor: pointer; font-weight: 600; margin-bottom: 4px; }
.code { font: 11.5px/1.5 var(--mono); background: var(--ground); border: 1px solid var(--line); border-radius: 5px; padding: 7px 9px; margin: 0; overflow: auto; max-height: 420px; white-space: pre; tab-size: 2; }
.source { padding: 4px 0; max-height: 210px; position: relative; }
.source .line { display: flex; white-space: pre-wrap; padding-right: 9px; } .source .number { flex: none; width: 34px; padding-right: 10px; text-align: right; color: var(--quiet); user-select: none; }
.source .marked { background: var(--mark); }
.op .code { white-space: pre-wrap; margin-bottom: 4px; cursor: pointer; } .op .code:hover { border-color: var(--quiet); }
${["keyword", "number", "value", "type", "comment", "string"].map((name) => `.t-${name} { color: var(--t-${name}); }`).join(" ")}
.tensors { border-collapse: collapse; width: 100%; font: 11.5px/1.4 var(--mono); } .tensors td { padding: 2px 8px 2px 0; vertical-align: top; overflow-wrap: anywhere; }
.tensors td.number, .kernels td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.link:is(button) { border: 0; padding: 0; color: var(--accent); text-align: left; overflow-wrap: anywhere; } .link:is(button):hover { background: none; text-decoration: underline; }
hr { border: 0; border-top: 1px solid var(--line); margin: 16px 0; }

.tab-passes { flex-direction: row !important; } .tab-passes nav { width: 300px; flex: none; overflow: auto; border-right: 1px solid var(--line); background: var(--raised); }
.passes { margin: 0; padding: 8px 8px 8px 38px; } .passes li::marker { color: var(--quiet); font-size: 11px; }
.passes button { display: block; width: 100%; text-align: left; border-color: transparent; padding: 4px 8px; } .passes .row { display: flex; justify-content: space-between; gap: 8px; }
.passes .quiet { font-size: 12px; } .passes .counts { font: 11px var(--mono); color: var(--quiet); white-space: nowrap; } .passes .unchanged b { font-weight: 400; color: var(--quiet); }
.passes .selected button { background: var(--ground); border-color: var(--line); }
.pass { flex: 1; min-width: 0; display: flex; flex-direction: column; } .pass header { display: flex; gap: 14px; align-items: baseline; padding: 8px 14px; border-bottom: 1px solid var(--line); }
.pass header h2 { font-size: 14px; } .pass header .segments { margin-left: auto; } .pass-text { flex: 1; overflow: auto; }
.nothing { padding: 20px; }
.whole { display: flex; width: max-content; min-width: 100%; } .whole .numbers { position: sticky; left: 0; margin: 0; padding: 8px 10px; text-align: right; color: var(--quiet); background: var(--raised); font: 11.5px/1.5 var(--mono); user-select: none; }
.whole .code { border: 0; border-radius: 0; max-height: none; overflow: visible; padding: 8px 12px; }
.diff { border-collapse: collapse; font: 11.5px/1.5 var(--mono); min-width: 100%; } .diff td { padding: 0 8px; vertical-align: top; white-space: pre; }
.diff .number { color: var(--quiet); text-align: right; user-select: none; background: var(--raised); width: 1%; } .diff .sign { width: 1%; color: var(--quiet); user-select: none; padding-right: 0; }
.diff .added, .diff .text.added { background: var(--added); } .diff .removed, .diff .text.removed { background: var(--removed); } .diff .moved { background: var(--moved); }
.diff .skip td { background: var(--sunk); color: var(--quiet); padding: 3px 8px; } .diff .skip span { position: sticky; left: 92px; margin-left: 84px; }
.diff.split { table-layout: fixed; width: 100%; } .diff.split td { white-space: pre-wrap; overflow-wrap: anywhere; } .diff.split .number { width: 52px; } .diff.split .text { width: 50%; }

svg.memory { cursor: crosshair; touch-action: none; } .memory .plot { fill: var(--sunk); } .tensor { cursor: pointer; } .tensor text { fill: #0b0e12; font-size: 10px; pointer-events: none; }
@media (prefers-color-scheme: dark) { .tensor text { fill: #f3f5f8; } }
.by-layer { fill: hsl(var(--hue) 55% 66%); } @media (prefers-color-scheme: dark) { .by-layer { fill: hsl(var(--hue) 35% 42%); } }
.tensor:hover rect { stroke: var(--ink); } .memory.some .tensor { opacity: .42; } .memory.some .tensor.selected { opacity: 1; } .tensor.selected rect { stroke: var(--ink); stroke-width: 1.5; }
.memory .live { fill: none; stroke: var(--ink); stroke-width: 1.6; pointer-events: none; } .memory .bound { stroke: #d33; stroke-width: 1.6; stroke-dasharray: 6 4; pointer-events: none; }
.memory .arena-name { text-anchor: end; fill: var(--quiet); font-size: 10px; } .memory .arena { stroke: var(--quiet); stroke-dasharray: 2 3; } .memory .cursor { stroke: var(--accent); stroke-width: 1.5; pointer-events: none; }
.axes text { fill: var(--quiet); font-size: 10.5px; } .axes .tick { stroke: var(--quiet); }
.tooltip { position: fixed; z-index: 9; pointer-events: none; padding: 5px 9px; font: 11.5px/1.5 var(--mono); background: var(--ground); border: 1px solid var(--line); border-radius: 5px; box-shadow: 0 3px 14px #0003; }
.tooltip div:first-child { font-weight: 600; }

.tab-table { overflow: auto; } .kernels { border-collapse: collapse; width: 100%; font-size: 12px; font-variant-numeric: tabular-nums; } .kernels th { position: sticky; top: 0; background: var(--raised); text-align: left; border-bottom: 1px solid var(--line); padding: 0; white-space: nowrap; }
.kernels th button { border: 0; padding: 6px 10px; font-weight: 600; width: 100%; text-align: inherit; } .kernels td { padding: 2px 10px; border-bottom: 1px solid var(--sunk); white-space: nowrap; }
.kernels tbody tr { cursor: pointer; } .kernels tbody tr:hover { background: var(--sunk); } .kernels tr.selected { background: var(--mark) !important; }

.tab-times { overflow: auto; } .tab-times .charts { display: flex; flex-direction: column; gap: 8px; padding: 8px 14px 24px; } .tab-times h2 { font-size: 13px; margin-top: 8px; } .chart { width: 100%; height: 420px; flex: none; } .chart svg { flex: none; }
@media (max-width: 900px) { main { flex-direction: column; overflow: auto; } main > section { min-height: 70vh; } .details { width: auto; resize: none; border-left: 0; border-top: 1px solid var(--line); } .top { grid-template-columns: 1fr; } .figures { grid-column: 1; grid-row: auto; justify-content: flex-start; } .search { justify-self: start; } }
`;
