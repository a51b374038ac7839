import { defineConfig } from "vitest/config";

/** Tests that need no device: two files at a time. All others share one, a file at a time, since a software driver takes
 * every core there is. */
const withoutDevice = [
  "compiler",
  "diagnostics",
  "frontend",
  "kernel",
  "ops",
  "passes",
  "plan",
  "text",
  "data",
  "pages",
  "report",
].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: "test/setup/build.ts",
    projects: [
      {
        extends: true,
        test: { name: "compiler", include: withoutDevice, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: "device",
          include: ["test/**/*.test.ts"],
          exclude: withoutDevice,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
