/** kiln plan: buffers from a CSV to offsets. */
import { afterAll, describe, expect, test } from "vitest";
import { Folder } from "./kiln.ts";

const folder = new Folder();
afterAll(() => folder.remove());

const plan = async (csv: string, capacity: number | string, ...more: string[]) => {
  folder.write("in.csv", csv);
  const { code, stdout, stderr } = await folder.kiln("plan", "--csv", "in.csv", "--capacity", `${capacity}`, ...more);
  return { code, stdout, stderr };
};

test("columns in any order, offsets behind them; the same to a file", async () => {
  const csv = "size,id,lower,upper\n4,a,0,3\n4,b,3,9\n2,c,1,9\n";
  const { code, stdout, stderr } = await plan(csv, 6);
  expect([code, stdout]).toEqual([0, "size,id,lower,upper,offset\n4,a,0,3,0\n4,b,3,9,0\n2,c,1,9,4\n"]);
  expect(stderr).toMatch(/^3 buffers take 6 bytes of 6; 6 are live at once\. Found in \d+\.\d\d s\.\n$/);
  const written = await plan(csv, 6, "--out", "out.csv");
  expect([written.stdout, written.stderr]).toEqual(["", expect.stringMatching(/\nWritten to out\.csv\n$/)]);
  expect(folder.read("out.csv")).toBe(stdout);
});

test("a capacity may have a unit", async () => {
  const { code, stderr } = await plan("id,lower,upper,size\na,0,2,1500\n", "1.5KiB");
  expect([code, stderr]).toEqual([0, expect.stringContaining("1 buffer takes 1500 bytes of 1536")]);
});

test("`end` is the last moment of a life", async () => {
  expect((await plan("id,start,end,size\na,0,2,4\nb,2,3,4\n", 4)).code).toBe(1);
  expect((await plan("id,start,end,size\na,0,1,4\nb,2,3,4\n", 4)).code).toBe(0);
});

describe("what cannot be", () => {
  const head = "id,lower,upper,size";
  test.each([
    [`${head}\na,0,2,4\nb,1,3,4\n`, 7, "error: in.csv: the buffers cannot fit in 7 bytes: 8 bytes are live at once.\n"],
    ["id,lower,upper\na,0,2\n", 7, "error: in.csv:1: there is no column size; id, lower, upper, size are needed\n"],
    [
      `${head}\na,0,2,4\nb,1,3,four\n`,
      7,
      'error: in.csv:3: column size is "four"; an integer of at least 1 is expected\n',
    ],
    [
      `${head},gaps\na,0,2,4,0-1\n`,
      7,
      'error: in.csv:2: column gaps is "0-1"; gaps in a buffer\'s life are not supported, leave it empty\n',
    ],
    [`${head}\na,2,2,4\n`, 7, 'error: in.csv:2: column upper is "2": the life ends before it begins\n'],
  ])("%j", async (csv, capacity, message) => {
    const { code, stdout, stderr } = await plan(csv, capacity);
    expect([code, stdout, stderr]).toEqual([1, "", message]);
  });

  test("wrong usage", async () => {
    expect((await plan(`${head}\n`, -1)).code).toBe(2);
  });
});
