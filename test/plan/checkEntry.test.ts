import { describe, expect, test } from "vitest";
import { checkEntry } from "../../compiler/plan/checkEntry.ts";
import { loadTarget } from "../../compiler/target/targets.ts";
import type { Program, ProgramBinding, ProgramEntry, ProgramKernel } from "../../runtime/program/schema.ts";

type Access = ProgramKernel["bindings"][number]["access"];

const buffer = (name: string, offset: number, size = 256) =>
  ({ name, type: "f32", shape: [size / 4], layout: [0], offset, size, start: 0, end: 1 }) as const;
const inArena = (name: string): ProgramBinding => ({ kind: "buffer", name });

/** One dispatch over two arenas of 1 KiB and a state: what is wrong with it. */
function check(
  bindings: readonly (readonly [Access, ProgramBinding])[],
  buffers: ProgramEntry["buffers"] = [buffer("a", 0), buffer("b", 256), buffer("c", 1024)],
  workgroups: readonly [number, number, number] = [1, 1, 1],
): string[] {
  const kernel = {
    name: "k",
    bindings: bindings.map(([access], i) => ({ name: `p${i}`, access })),
  } as unknown as ProgramKernel;
  const entry: ProgramEntry = {
    arenas: [1024, 1024],
    gpuTextures: [],
    arenaBytes: 2048,
    lowerBoundBytes: 2048,
    buffers,
    textures: [],
    pictures: [],
    dispatches: [{ kernel: 0, workgroups, bindings: bindings.map(([, binding]) => binding) }],
    inputs: {},
    outputs: {},
  };
  const program = {
    kernels: [kernel],
    state: [{ name: "w" }],
    target: loadTarget("few-bindings"),
  } as unknown as Program;
  return checkEntry(program, entry);
}

test("textures", () => {
  const texture: ProgramBinding = { kind: "texture", name: "t" };
  expect(check([["texture", texture]])).toEqual(["dispatch 0 (k): no texture is called t"]);
  expect(check([["read", texture]])).toContain("dispatch 0 (k) binds texture as read p0");
  expect(check([["texture", inArena("a")]])).toContain("dispatch 0 (k) binds buffer as texture p0");
  const five = Array.from({ length: 5 }, () => ["texture", texture] as const);
  expect(check(five)).toContain("dispatch 0 (k) binds 5 storage textures, WebGPU promises 4");
});

describe("checkEntry", () => {
  test("slices of one GPU buffer, all read_write, and others as they like", () => {
    const good = check([
      ["read_write", inArena("a")],
      ["read_write", inArena("b")],
      ["read", inArena("c")],
      ["read", { kind: "state", name: "w" }],
      ["uniform", { kind: "uniforms" }],
    ]);
    expect(good).toEqual([]);
  });
  test("one GPU buffer both read and read_write, though the slices are apart", () => {
    expect(
      check([
        ["read_write", inArena("a")],
        ["read", inArena("b")],
      ]),
    ).toEqual(["dispatch 0 (k) binds arena 0 read_write and read, as p0 and p1"]);
  });
  test("overlapping slices, written", () => {
    const overlapping = [buffer("a", 0, 512), buffer("b", 256)];
    expect(
      check(
        [
          ["read_write", inArena("a")],
          ["read_write", inArena("b")],
        ],
        overlapping,
      ),
    ).toEqual(["dispatch 0 (k) binds overlapping bytes of arena 0 as p0 and p1, and writes them"]);
    expect(
      check(
        [
          ["read", inArena("a")],
          ["read", inArena("b")],
        ],
        overlapping,
      ),
    ).toEqual([]);
  });
  test("a state bound twice, written", () => {
    const w = { kind: "state", name: "w" } as const;
    expect(
      check([
        ["read_write", w],
        ["read_write", w],
      ]),
    ).toEqual(["dispatch 0 (k) binds overlapping bytes of state w as p0 and p1, and writes them"]);
  });
  test("slices that are not there", () => {
    expect(check([["read", inArena("z")]])).toEqual(["dispatch 0 (k): no buffer is called z"]);
    expect(check([["read", { kind: "state", name: "z" }]])).toEqual(["dispatch 0 (k): no state is called z"]);
    expect(check([["read", inArena("a")]], [buffer("a", 1000)])).toEqual([
      "dispatch 0 (k): a begins at 1000 of arena 0, which is no multiple of 256",
    ]);
    expect(check([["read", inArena("a")]], [buffer("a", 768, 512)])).toEqual(["dispatch 0 (k): a ends past arena 0"]);
    expect(check([["read", inArena("a")]], [buffer("a", 2048)])).toEqual(["dispatch 0 (k): a begins past the arena"]);
  });
  test("more than the target has", () => {
    const many = Array.from({ length: 5 }, (_, i) => buffer(`v${i}`, 256 * (i % 4) + 1024 * Math.floor(i / 4)));
    expect(
      check(
        many.map((b) => ["read", inArena(b.name)] as const),
        many,
      ),
    ).toEqual(["dispatch 0 (k) binds 5 storage buffers, the target has 4"]);
    expect(check([["read", inArena("a")]], undefined, [65536, 1, 1])).toEqual([
      "dispatch 0 (k) runs 65536 workgroups in a dimension",
    ]);
  });
});
