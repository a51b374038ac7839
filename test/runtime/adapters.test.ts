import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { chooseAdapter, classOf } from "../../runtime/node/adapters.ts";
import { describeChoice, openDevice } from "../../runtime/node/device.ts";
import { diagnose } from "../../runtime/node/doctor.ts";
import { wgslStorageTextures } from "../../runtime/program/schema.ts";
import { bundleForNode, start } from "./child.ts";
import { adapterNames, gpuOf } from "./devices.ts";
import { portable } from "./tinyArtifact.ts";

const linux = process.platform === "linux" && process.arch === "x64";

test("classes by what adapters say of themselves", () => {
  const of = (vendor: string, device = "", description = "") =>
    classOf({ vendor, architecture: "", device, description } as GPUAdapterInfo);
  expect(of("mesa", "llvmpipe-llvm-15-0-6-256-bits-")).toBe("lavapipe");
  expect(of("google", "swiftshader-device-subzero-")).toBe("swiftshader");
  expect(of("nvidia", "NVIDIA H100")).toBe("discrete");
  expect(of("amd")).toBe("discrete");
  expect(of("intel")).toBe("integrated");
  expect(of("apple")).toBe("integrated");
  expect(of("qualcomm")).toBe("mobile");
  expect(of("arm")).toBe("mobile");
});

describe.each(adapterNames)("%s", (name) => {
  test("is opened by its name, with all its limits, and described for the compiler", async () => {
    const { device: opened, adapter, target, description } = await openDevice({ adapter: name });
    const device = gpuOf(opened);
    expect(adapter.target).toEqual(target);
    for (const [limit, value] of Object.entries(target.limits))
      expect(device.limits[limit as keyof GPUSupportedLimits]).toBe(value);
    expect(target.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
    for (const feature of target.features)
      expect(device.features.has(feature as GPUFeatureName) || feature === wgslStorageTextures).toBe(true);
    if (name === "lavapipe" || name === "swiftshader") {
      expect(target).toMatchObject({ name, class: name, features: ["subgroups", wgslStorageTextures] });
      expect(target.subgroupSize).toBe(name === "lavapipe" ? target.subgroupSize : 4);
      expect(device.features.has("timestamp-query")).toBe(true);
      expect(description).toMatch(/^Running on .+, a software adapter on the CPU: .*GPU/);
      expect(description.includes("--adapter wasm is several times as fast")).toBe(name === "swiftshader");
    }
  });

  test("is what KILN_ADAPTER names, in either case, and what doctor says will be used", async () => {
    const before = process.env.KILN_ADAPTER;
    process.env.KILN_ADAPTER = name.toUpperCase();
    try {
      const chosen = await chooseAdapter();
      expect(chosen.class === name || chosen.name === name).toBe(true);
      const report = await diagnose();
      expect(report.ok).toBe(true);
      expect(report.adapters.filter((a) => a.used).map((a) => a.name)).toEqual([chosen.name]);
      expect(report.why).toContain(`chosen by name ("${name.toUpperCase()}")`);
    } finally {
      if (before === undefined) delete process.env.KILN_ADAPTER;
      else process.env.KILN_ADAPTER = before;
    }
  });
});

test("an adapter that is not there: what there is", async () => {
  await expect(chooseAdapter("voodoo 2")).rejects.toThrow(/^no adapter is named "voodoo 2"; found: .+/);
  const report = await diagnose("voodoo 2");
  expect(report.ok).toBe(false);
  expect(report.why).toContain('no adapter is named "voodoo 2"');
  expect(report.adapters.some((a) => a.used)).toBe(false);
});

test("a feature that the adapter lacks is named", async () => {
  await expect(
    openDevice({ adapter: adapterNames[0], requireFeatures: ["time-travel" as GPUFeatureName] }),
  ).rejects.toThrow(/the adapter .+ lacks time-travel/);
});

test("the line about a real GPU has nothing to complain of", () => {
  const gpu = { name: "NVIDIA H100", class: "discrete", software: false } as Parameters<typeof describeChoice>[0];
  expect(describeChoice(gpu)).toBe("Running on NVIDIA H100");
});

describe("on a machine without any Vulkan driver", () => {
  let program: ReturnType<typeof bundleForNode>;
  let cache: string;
  beforeAll(() => {
    program = bundleForNode(`
      import { openDevice } from "./runtime/node/device.ts";
      import { diagnose } from "./runtime/node/doctor.ts";
      try {
        const { target } = await openDevice();
        const { target: forWebGpu } = await openDevice({ program: ${JSON.stringify(portable)} });
        console.log(JSON.stringify({ target: target.name, forWebGpu: forWebGpu.name, report: await diagnose() }));
      } catch (error) {
        console.log(JSON.stringify({ name: error.name, kind: error.kind, message: error.message, report: await diagnose() }));
      }`);
  });
  afterAll(() => program.remove());
  afterEach(() => rmSync(cache, { recursive: true, force: true }));
  const run = async (cacheFolder: string) => {
    const env = { VK_DRIVER_FILES: "/absent/icd.json", XDG_CACHE_HOME: cacheFolder, KILN_ADAPTER: "" };
    const { code, stdout, stderr } = await start(program.file, [], env).finished;
    expect(code, stderr).toBe(0);
    return { ...JSON.parse(stdout), stderr };
  };

  test.runIf(linux)("the packaged SwiftShader is unpacked and used, by several processes at once", async () => {
    cache = mkdtempSync(join(tmpdir(), "kiln-cache-"));
    const results = await Promise.all([run(cache), run(cache), run(cache)]);
    for (const { target, forWebGpu, report, stderr } of results) {
      expect(target).toBe("wasm");
      expect(forWebGpu).toBe("swiftshader");
      // The loader itself speaks of the file that VK_DRIVER_FILES names; that there is no driver, nobody has to say.
      expect(stderr.replace(/^Warning: loader_get_json: .*\n/gm, "")).toBe("");
      expect(report.adapters).toMatchObject([{ used: true }, { used: false }]);
      expect(report.why).toContain("no GPU was found, and WebAssembly is the fastest without one");
    }
    const [folder, ...others] = readdirSync(join(cache, "kiln"));
    expect(others).toEqual([]);
    expect(readdirSync(join(cache, "kiln", folder)).sort()).toEqual([
      "libvk_swiftshader.so",
      "libvulkan.so.1",
      "vk_swiftshader_icd.json",
    ]);
  });

  test.runIf(existsSync("/dev/null"))("without that too, the error says what to do", async () => {
    const { name, kind, message, report } = await run("/dev/null");
    expect([name, kind]).toEqual(["KilnError", "adapter"]);
    expect(message).toMatch(/^the program was compiled for portable, and no WebGPU adapter was found: /);
    expect(message).toContain("--target wasm");
    expect(message).toContain("run tools/install-lavapipe as root");
    expect(message).toContain("npm install --include=optional");
    expect(message).toMatch(linux ? /SwiftShader cannot be unpacked: ENOTDIR/ : /linux-x64/);
    expect(report).toMatchObject({ ok: true, adapters: [{ used: true }] });
  });
});
