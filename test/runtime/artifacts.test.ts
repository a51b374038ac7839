import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Artifact, artifactHash, f32, formatSafetensors, loadArtifact } from "../../runtime/index.ts";
import { isArtifact, readArtifact, writeArtifact } from "../../runtime/node/artifacts.ts";
import { tiny } from "./tinyArtifact.ts";

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "kiln-artifacts-"));
  folder = join(parent, "tiny");
});
afterEach(() => rmSync(parent, { recursive: true }));

const weights = formatSafetensors([["dense_1.weight", f32([3, 12], new Float32Array(36).fill(2))]]);

test("is read as it was written, and nothing else is left lying about", async () => {
  await writeArtifact(folder, tiny, { "tiny.ts": "export {};\n", "ir/00-graph.kir": "graph" });
  expect(readdirSync(parent)).toEqual(["tiny"]);
  expect(readdirSync(folder).sort()).toEqual(["ir", "kernels", "program.json", "tiny.ts"]);
  expect(await readArtifact(folder)).toEqual(tiny);
  expect(await isArtifact(folder)).toBe(true);
  expect(await isArtifact(parent)).toBe(false);

  // Written again, it is replaced whole: no file of the old one stays.
  await writeArtifact(folder, { ...tiny, weights });
  expect(readdirSync(parent)).toEqual(["tiny"]);
  expect(readdirSync(folder).sort()).toEqual(["kernels", "program.json", "weights.safetensors"]);
  expect(await readArtifact(folder)).toEqual({ ...tiny, weights });
});

test("a folder with something else in it is left alone", async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, "thesis.tex"), "years of work");
  await expect(writeArtifact(folder, tiny)).rejects.toThrow(
    `${folder} holds thesis.tex, so it is not an artifact's folder and is left alone; name another`,
  );
  expect(readFileSync(join(folder, "thesis.tex"), "utf8")).toBe("years of work");
  rmSync(join(folder, "thesis.tex"));
  await writeArtifact(folder, tiny); // an empty one is fine
  writeFileSync(join(folder, "thesis.tex"), "years of work");
  await expect(writeArtifact(folder, tiny)).rejects.toThrow("holds thesis.tex");
  const module = join(parent, "models");
  mkdirSync(module);
  writeFileSync(join(module, "alexnet.ts"), "");
  await expect(writeArtifact(module, tiny)).rejects.toThrow("holds alexnet.ts");
  writeFileSync(join(parent, "file"), "");
  await expect(writeArtifact(join(parent, "file"), tiny)).rejects.toThrow("part of the path is not a folder");
});

test("what is missing or wrong is named", async () => {
  await expect(readArtifact(folder)).rejects.toThrow(`${folder}/program.json: ${folder} is no artifact's folder`);
  await writeArtifact(folder, tiny);
  rmSync(join(folder, "kernels", "loss.wgsl"));
  await expect(readArtifact(folder)).rejects.toThrow("kernels/loss.wgsl: cannot be read: it does not exist");
  writeFileSync(join(folder, "program.json"), JSON.stringify({ ...tiny.program, compiler: 1 }));
  await expect(readArtifact(folder)).rejects.toThrow(`${folder}: program.json: compiler: expected a string, found 1`);
  const kernels = tiny.program.kernels.map((k) => ({ ...k, file: "../../secret" }));
  writeFileSync(join(folder, "program.json"), JSON.stringify({ ...tiny.program, kernels }));
  await expect(readArtifact(folder)).rejects.toThrow("the kernel file ../../secret lies outside the folder");
});

test("the hash is of program and kernels, not of weights", async () => {
  const hash = await artifactHash(tiny);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(await artifactHash({ ...tiny, weights })).toBe(hash);
  await writeArtifact(folder, tiny);
  expect(await artifactHash(await readArtifact(folder))).toBe(hash);
  const text = { ...tiny, kernels: { ...tiny.kernels, "kernels/loss.wgsl": "// changed" } };
  const plan: Artifact = { ...tiny, program: { ...tiny.program, arenaBytes: 1536 } };
  for (const other of [text, plan]) expect(await artifactHash(other)).not.toBe(hash);
});

test("is loaded over HTTP, with and without weights", async () => {
  await writeArtifact(folder, tiny);
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(parent, request.url!)));
    } catch {
      response.writeHead(request.url!.includes("broken") ? 500 : 404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect(await loadArtifact(`${base}/tiny`)).toEqual(tiny);
    await writeArtifact(folder, { ...tiny, weights });
    expect(await loadArtifact(new URL(`${base}/tiny/`))).toEqual({ ...tiny, weights });
    await expect(loadArtifact(`${base}/other`)).rejects.toThrow(`is ${base}/other/ an artifact's folder?`);
    await expect(loadArtifact(`${base}/broken`)).rejects.toThrow("HTTP 500");
    rmSync(join(folder, "kernels", "forward.wgsl"));
    await expect(loadArtifact(`${base}/tiny`)).rejects.toThrow(`${base}/tiny/kernels/forward.wgsl is not there`);
  } finally {
    server.close();
  }
  await expect(loadArtifact(`${base}/tiny`)).rejects.toMatchObject({ name: "KilnError", kind: "artifact" });
});
