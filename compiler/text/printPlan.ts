/** The text of the stage `plan`: sizes, steps in order, what lies where and when, then the kernels. */
import type { PlannedProgram } from "../ir/kernelProgram.ts";
import type { Plan, PlanBuffer } from "../ir/plan.ts";
import { formatType, type Value } from "../ir/types.ts";
import { formatName } from "./names.ts";
import { layoutsOf, printKernels, valuesIn } from "./printKernel.ts";
import { formatValue, printProgram } from "./printProgram.ts";

export function printPlanned(program: PlannedProgram): string {
  const { plan } = program;
  const suffix = layoutsOf(program);
  const header = [
    `target ${formatName(program.target)}`,
    `memory ${plan.arenaBytes} bound ${plan.lowerBoundBytes} state ${plan.persistentBytes}`,
    `buffers [${plan.arenas.join(", ")}]`,
    ...(plan.gpuTextures.length > 0
      ? [`textures [${plan.gpuTextures.map(({ width, height }) => `${width} * ${height}`).join(", ")}]`]
      : []),
  ];
  const list = (values: readonly Value[]) => `(${values.map(formatValue).join(", ")})`;
  const steps = plan.dispatches.map(
    ({ kernel, reads, writes }) =>
      `${kernel ? `run ${formatName(kernel.name)}` : "copy"} ${list(reads)} -> ${list(writes)}`,
  );
  const host = hosts(plan);
  const buffers = plan.buffers.map((buffer) => {
    const { value, offset, size, start, end } = buffer;
    const within = host(buffer);
    const inPlace = within ? ` in ${formatValue(within)}` : "";
    return `buffer ${typed(value)}${suffix(value)} at [${offset}, ${offset + size}) over [${start}, ${end})${inPlace}`;
  });
  const textures = plan.textures.map(
    ({ value, source, gpuTexture, size, start, end }) =>
      `texture ${typed(value)} of ${formatValue(source)} at ${gpuTexture} bytes ${size} over [${start}, ${end})`,
  );
  const paragraphs = [steps.join("\n"), [...buffers, ...textures].join("\n"), printKernels(program)];
  return printProgram(program, paragraphs.filter((text) => text !== "").join("\n\n"), {
    suffix,
    mentioned: valuesIn(program),
    header,
  });
}

const typed = (value: Value): string => `${formatValue(value)}: ${formatType(value.type)}`;

/** The value in whose place another is written: it dies where the other is born, at the same offset. */
export function hosts(plan: Plan): (buffer: PlanBuffer) => Value | undefined {
  const ending = new Map<string, PlanBuffer[]>();
  const key = (offset: number, size: number, at: number) => `${offset} ${size} ${at}`;
  for (const buffer of plan.buffers) {
    const k = key(buffer.offset, buffer.size, buffer.end);
    ending.set(k, [...(ending.get(k) ?? []), buffer]);
  }
  return ({ value, offset, size, start }) =>
    ending
      .get(key(offset, size, start + 1))
      ?.find((other) =>
        plan.dispatches[start]?.kernel?.inPlace.some(([written, read]) => written === value && read === other.value),
      )?.value;
}
