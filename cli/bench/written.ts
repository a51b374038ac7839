/** What `kiln bench` writes beside its figures: a page with the times, and a trace of a step. */
import type { CompiledModel } from "../../compiler/artifact.ts";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import { writeFileAtomically } from "../../runtime/node/files.ts";
import type { Profile } from "../../runtime/profile.ts";
import type { Session } from "../../runtime/session.ts";
import type { DumpIr } from "../dumpIr.ts";
import { say } from "../output.ts";
import type { Report } from "../report/data.ts";
import { reportPage } from "../report/page.ts";
import { measureBandwidth } from "./bandwidth.ts";
import type { KernelFigures } from "./kernels.ts";
import { measureHost } from "./measure.ts";
import { type Belonging, stepTrace } from "./trace.ts";

export interface Wanted {
  /** Paths. */
  readonly report?: string;
  readonly trace?: string;
}

/** What was measured, and of what. */
export interface BenchRun {
  readonly opened: OpenedDevice;
  readonly session: Session;
  readonly profile: Profile;
  readonly figures: {
    readonly adapter: string;
    readonly peakGflops: number;
    readonly stepMs: number | null;
    readonly forwardMs: number;
    readonly kernels: readonly KernelFigures[];
  };
  /** The model at every stage, and what its passes gave; null of an artifact's folder. */
  readonly stages: CompiledModel | null;
  readonly dump: DumpIr;
  readonly files: ReadonlyMap<string, string>;
}

export async function writeBenchFiles({ report: page, trace }: Wanted, run: BenchRun): Promise<void> {
  if (page === undefined && trace === undefined) return;
  const report = run.stages && (await reportOf(run, page === undefined ? null : await measureBandwidth(run.opened)));
  if (page !== undefined) await written(page, reportPage(report!));
  if (trace !== undefined) await written(trace, `${JSON.stringify(await traceOf(run, report))}\n`);
}

async function written(path: string, content: string): Promise<void> {
  await writeFileAtomically(path, content);
  say(`Written to ${path}`);
}

/** The kernels that take pictures come first in a profile, and are no part of the plan. */
const picturesOf = ({ session, figures }: BenchRun): number =>
  session.program.entries[figures.stepMs === null ? "forward" : "step"]!.pictures.length;

async function reportOf(run: BenchRun, copyGigabytes: number | null): Promise<Report> {
  const { programReport } = await import("../report/program.ts");
  const { session, stages, dump, files, profile, figures } = run;
  // One run as a whole, where there is one: then what is shown adds up.
  const ms = (profile.fastestRun ?? profile.dispatches).map(({ nanoseconds }) => nanoseconds / 1e6);
  const pictures = picturesOf(run);
  const measured =
    copyGigabytes === null
      ? undefined
      : {
          adapter: figures.adapter,
          clock: profile.clock,
          peakGflops: figures.peakGflops,
          copyGigabytes,
          stepMs: figures.stepMs,
          forwardMs: figures.forwardMs,
          ms: ms.slice(pictures),
          picturesMs: ms.slice(0, pictures).reduce((a, b) => a + b, 0),
        };
  return programReport({ artifact: session.artifact, model: stages!, dump, files, measured });
}

async function traceOf(run: BenchRun, report: Report | null) {
  const { session, profile, figures } = run;
  const { model } = session.program;
  const pictures = picturesOf(run);
  const belongings = profile.dispatches.map((_, i): Belonging => {
    if (i < pictures) return { category: "pictures", layer: null };
    if (!report) return { category: figures.stepMs === null ? "forward" : "step", layer: null };
    const { phase, layer } = report.steps[i - pictures];
    return { category: phase, layer: report.layers[layer].name };
  });
  return stepTrace({
    title: `${model.name} (${model.mode}, batch ${model.batch})`,
    adapter: figures.adapter,
    figures: figures.kernels,
    profile,
    belongings,
    host: figures.stepMs === null ? null : await measureHost(session),
  });
}
