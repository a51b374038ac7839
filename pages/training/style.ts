/** How the page looks, by day and by night: the colours are those of the page of `kiln inspect` (pages/program). */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f7f8fa; --sunk: #eef0f3; --line: #dcdfe4; --ink: #1c2128; --quiet: #5f6875; --accent: #2a62c9;
  --right: #2f8a46; --wrong: #cc3d36; --note: #fff1c2; --cell: #eef0f3;
  --run-1: #3b78d8; --run-2: #c2622d; --run-3: #5b8c3a; --run-4: #8a4fb8; --run-5: #b08a1a; --run-6: #1f8f8a; --run-7: #b8487f; --run-8: #6b7480;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1b1f26; --sunk: #0f1216; --line: #313843; --ink: #dfe4ea; --quiet: #929cab; --accent: #7aa7ff;
    --right: #5fb878; --wrong: #ef6f68; --note: #4a3f16; --cell: #20252d;
    --run-1: #5f97ee; --run-2: #dd8250; --run-3: #7fb35c; --run-4: #b58be0; --run-5: #d6b24a; --run-6: #4fb8b2; --run-7: #e07fb0; --run-8: #99a2ae;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
h1, h2, p, figure { margin: 0; }
h1 { font-size: 17px; display: inline; margin-right: 10px; overflow-wrap: anywhere; }
h2 { font-size: 13px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.quiet { color: var(--quiet); }
.top { background: var(--raised); border-bottom: 1px solid var(--line); }
.top .words { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 6px 28px; padding: 10px 16px; }
.top .who { flex: 1 1 420px; min-width: 0; }
.top .facts { overflow-wrap: anywhere; margin-top: 2px; font-size: 12px; }
.chip { font-size: 11px; font-weight: 600; border: 1px solid; border-radius: 9px; padding: 0 8px; margin-right: 8px; color: var(--quiet); vertical-align: 2px; }
.chip.training, .chip.evaluating { color: var(--accent); } .chip.ended { color: var(--right); } .chip.lost { color: var(--wrong); }
.figures { display: flex; flex-wrap: wrap; gap: 4px 22px; align-content: flex-start; }
.figure { display: flex; flex-direction: column; line-height: 1.25; }
.figure b { font-weight: 600; font-size: 14px; font-variant-numeric: tabular-nums; white-space: nowrap; } .figure span { color: var(--quiet); font-size: 11px; }
.progress { height: 3px; background: var(--line); margin-bottom: -1px; } .progress i { display: block; height: 100%; width: 0; background: var(--accent); }
.notes p { padding: 6px 16px; background: var(--note); border-top: 1px solid var(--line); white-space: pre-line; overflow-wrap: anywhere; }
main { max-width: 1500px; margin: 0 auto; padding: 0 16px 40px; }
section { margin-top: 18px; min-width: 0; }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 18px; margin-bottom: 6px; min-height: 22px; }
.caption { color: var(--quiet); font-size: 12px; margin-top: 6px; } .head .caption { margin: 0 0 0 auto; }
label { display: inline-flex; align-items: center; gap: 6px; } input { accent-color: var(--accent); margin: 0; }
output { font-variant-numeric: tabular-nums; color: var(--quiet); min-width: 2.4em; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 8px 24px; }
.chart { position: relative; min-width: 0; } .chart figcaption { color: var(--quiet); font-size: 12px; padding-left: 2px; }
.plot { height: 230px; }
.empty { position: absolute; inset: 20px 0 0; display: grid; place-items: center; color: var(--quiet); pointer-events: none; }
.readout > div { display: flex; align-items: center; gap: 6px; } .readout .name { margin-right: auto; padding-right: 12px; }
.readout b { font-variant-numeric: tabular-nums; }
.swatch { display: inline-block; flex: none; width: 14px; height: 3px; border-radius: 2px; background: var(--color); }
.swatch.dashed { background: linear-gradient(90deg, var(--color) 40%, transparent 40% 60%, var(--color) 60%); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 12px; }
th, td { text-align: right; padding: 4px 12px; white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child { text-align: left; padding-left: 0; } thead th { color: var(--quiet); font-weight: 500; border-bottom: 1px solid var(--line); }
tbody td, tbody th { border-bottom: 1px solid var(--sunk); } tbody th { font-weight: 500; } tbody label { cursor: pointer; vertical-align: middle; }
.pictures { display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 6fr); gap: 0 32px; align-items: start; }
canvas { display: block; }
.predictions { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 8px 6px; }
.prediction { font-size: 11px; line-height: 1.3; min-width: 0; }
.prediction img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; image-rendering: pixelated; border-radius: 3px; background: var(--sunk); }
.prediction .share { height: 3px; margin: 3px 0 2px; background: var(--sunk); } .share i { display: block; height: 100%; background: var(--right); }
.prediction figcaption { display: flex; flex-direction: column; } .prediction figcaption > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.prediction span { color: var(--quiet); }
.wrong img { outline: 2px solid var(--wrong); outline-offset: -2px; } .wrong b { color: var(--wrong); } .wrong .share i { background: var(--wrong); }
@media (max-width: 900px) { .pictures { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 560px) { .predictions { grid-template-columns: repeat(4, minmax(0, 1fr)); } .top .words, .notes p { padding-left: 12px; padding-right: 12px; } main { padding: 0 12px 30px; } }
`;
