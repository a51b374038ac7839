/** kiln report: what it writes, and what it says of logs and weights that hold nothing to show. */
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { filterPictures, firstLayerFilters } from "../../cli/dashboard/filters.ts";
import { f32 } from "../../runtime/program/safetensors.ts";
import { Folder, numbers } from "./kiln.ts";

const folder = new Folder();
const { kiln } = folder;
afterAll(() => folder.remove());

const step = (n: number) =>
  `${JSON.stringify({ event: "step", epoch: 0, step: n, loss: 3 - n / 10, movingLoss: 2.5, imagesPerSecond: 10 })}\n`;
folder.write("a.jsonl", step(1) + step(2));
folder.write("b.jsonl", `${step(1)}oops\n${step(2)}`);
folder.write("empty.jsonl", "");
folder.write("none.jsonl", '{"event":"start"}\n');
folder.writeTensors("w.safetensors", {
  "conv2d_1.bias": f32([6], numbers(6)),
  "conv2d_1.weight": f32([6, 3, 5, 4], numbers(360)),
  "dense_1.weight": f32([2, 3], numbers(6)),
});
folder.writeTensors("dense.safetensors", { "dense_1.weight": f32([2, 3], numbers(6)) });

test("writes the page and the filters, and says which lines it passed over", async () => {
  const args = ["a.jsonl", "b.jsonl", "-o", "out/page.html", "--weights", "w.safetensors", "--filters", "f.png"];
  const { code, stdout, stderr } = await kiln("report", ...args);
  expect(stderr).toBe(
    "Passed over: b.jsonl:2: not a JSON object\nFilters written to f.png\nWritten to out/page.html\n",
  );
  expect([code, stdout]).toEqual([0, ""]);
  expect(folder.read("out/page.html")).toContain("<title>2 runs · Kiln</title>");
  // Six filters of 5 x 4 in two rows of three, eleven times enlarged, 4 pixels between them and around.
  const { data, info } = await sharp(folder.file("f.png")).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 3 * (4 * 11 + 4) + 4, height: 2 * (5 * 11 + 4) + 4, channels: 3 });
  const pixel = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  expect(pixel(0, 0)).toEqual([255, 255, 255]);
  const { bytes } = filterPictures({ name: "", shape: [6, 3, 5, 4] }, numbers(360));
  expect(pixel(4, 4)).toEqual([...bytes.subarray(0, 3)]);
  // The last pixel of the last filter.
  expect(pixel(info.width - 5, info.height - 5)).toEqual([...bytes.subarray(-3)]);
});

test.each([
  [["empty.jsonl"], /error: empty\.jsonl: the log is empty/],
  [["a.jsonl", "none.jsonl"], /error: none\.jsonl: there is no step in it/],
  [["gone.jsonl"], /error: gone\.jsonl: the log cannot be read: it does not exist/],
  [["a.jsonl", "--weights", "gone"], /error: gone: the weights cannot be read: it does not exist/],
  [["a.jsonl", "--weights", "dense.safetensors"], /its first layer has no filters to show: .*dense_1\.weight \[2, 3\]/],
])("kiln report %j is an error, and nothing is written", async (args, message) => {
  const { code, stdout, stderr } = await kiln("report", ...args, "-o", "never.html");
  expect(stderr).toMatch(message);
  expect([code, stdout]).toEqual([1, ""]);
  expect(() => folder.read("never.html")).toThrow("ENOENT");
});

test("each filter goes from its least value to its greatest, channels last", () => {
  const { bytes } = filterPictures({ name: "w", shape: [2, 3, 1, 2] }, [0, 1, 2, 3, 4, 5, 7, 7, 7, 7, 7, 7]);
  expect([...bytes]).toEqual([0, 102, 204, 51, 153, 255, 127, 127, 127, 127, 127, 127]);
});

test("filters are those of the first layer, where it is a convolution of grey or colour pictures", () => {
  const [bias, dense, deep] = [[8], [2, 3], [8, 16, 3, 3]].map((shape) => ({ name: `${shape}`, shape }));
  const colour = { name: "colour", shape: [8, 3, 3, 3] };
  expect(firstLayerFilters([bias, colour, deep])).toBe(colour);
  expect(firstLayerFilters([dense, colour])).toBe(null);
  expect(firstLayerFilters([deep, colour])).toBe(null);
  expect(firstLayerFilters([])).toBe(null);
});
