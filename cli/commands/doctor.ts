import { Command } from "commander";
import { openDevice } from "../../runtime/node/device.ts";
import { type DoctorAdapter, type DoctorReport, diagnose } from "../../runtime/node/doctor.ts";
import { formatBytes, KilnError } from "../../runtime/program/error.ts";
import type { OpCheck } from "../check/selfTest.ts";
import { addAdapterOption, type DeviceOptions, jsonOption } from "../options.ts";
import { emitJson, say } from "../output.ts";
import { Progress } from "../progress.ts";

interface DoctorOptions extends DeviceOptions {
  readonly check?: boolean;
  readonly json?: boolean;
}

export const doctorCommand = () =>
  addAdapterOption(
    new Command("doctor").description(
      "Lists the adapters found, with driver, limits and features, and says which one will be used and why.",
    ),
  )
    .option("--check", "also run every op on it, forward and backward, against float64 (about a minute)")
    .addOption(jsonOption("print what was found as JSON to stdout"))
    .action(async (options: DoctorOptions) => {
      const report = await diagnose(options.adapter);
      sayReport(report);
      const checks = options.check && report.ok ? await check(options) : null;
      if (options.json) emitJson({ ...report, checks });
      if (!report.ok) throw new KilnError("adapter", report.why);
      const failed = checks?.filter(({ ok }) => !ok) ?? [];
      if (failed.length > 0)
        throw new KilnError(
          "adapter",
          `${failed.length} of ${checks!.length} checks failed: results of this adapter cannot be relied upon. ` +
            "Another driver version may help; please report it with the lines above.",
        );
    });

function sayReport({ adapters, why, swiftShader, ok }: DoctorReport): void {
  say(adapters.length === 0 ? "No adapters were found." : `Adapters found: ${adapters.length}, the best first`);
  for (const adapter of adapters) say(`\n${describeAdapter(adapter)}`);
  if (swiftShader !== null) say(`\nThe packaged SwiftShader cannot be used: ${swiftShader}`);
  if (ok) say(`\nUsed: ${why}`);
}

function describeAdapter({ name, vendor, software, target, features, subgroupSizes, used }: DoctorAdapter): string {
  const { limits } = target;
  const subgroups = subgroupSizes === null ? "not told" : [...new Set(subgroupSizes)].join(" to ");
  return [
    `${used ? "*" : " "} ${name}`,
    `    vendor      ${vendor}${software ? " (software, on the CPU)" : ""}`,
    `    class       ${target.class}`,
    ...(target.class === "wasm"
      ? ["    memory      4 GiB in all, as far as the engine gives it"]
      : [
          `    buffers     ${formatBytes(limits.maxBufferSize)} each, ${formatBytes(limits.maxStorageBufferBindingSize)} a binding, ${limits.maxStorageBuffersPerShaderStage} a kernel`,
          `    workgroups  ${limits.maxComputeInvocationsPerWorkgroup} invocations, ${formatBytes(limits.maxComputeWorkgroupStorageSize)} shared`,
          `    subgroups   ${features.includes("subgroups") ? subgroups : "none"}`,
        ]),
    `    features    ${features.join(", ")}`,
  ].join("\n");
}

async function check({ adapter }: DeviceOptions): Promise<OpCheck[]> {
  const { checkExample, examples } = await import("../check/selfTest.ts");
  const { device, target } = await openDevice({ adapter });
  const all = examples();
  const progress = new Progress();
  progress.begin("checking", all.length);
  const checks: OpCheck[] = [];
  say("");
  for (const example of all) {
    progress.update(checks.length, example);
    const result = await checkExample(device, target, example);
    checks.push(result);
    const figure = result.failure ?? `error ${result.error.toExponential(1)}`;
    say(`${result.ok ? "ok    " : "FAILED"} ${example}: ${figure}`);
  }
  progress.end();
  const wrong = checks.filter(({ ok }) => !ok).length;
  say(wrong === 0 ? `All ${checks.length} checks are in order.` : `${wrong} of ${checks.length} checks failed.`);
  return checks;
}
