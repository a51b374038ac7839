#!/usr/bin/env node
import { existsSync } from "node:fs";

const cli = new URL("../dist/cli.js", import.meta.url);
if (existsSync(cli)) {
  const { main } = await import(cli.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  console.error("kiln is not built yet: run `npm run build` in its folder (npm ci does so by itself)");
  process.exitCode = 1;
}
