/** The kernels of an entry point with their times, against the ceiling. */
import type { Profile } from "../../runtime/profile.ts";
import { copyKernel, type EntryName, isCopy, type Program, type ProgramStep } from "../../runtime/program/schema.ts";
import { dispatchTraffic } from "../inspect/storedPlan.ts";

export interface KernelFigures {
  readonly name: string;
  /** The graph's ops inside. */
  readonly ops: readonly string[];
  /** Model-file lines: "models/alexnet.ts:5". */
  readonly sources: readonly string[];
  readonly ms: number;
  /** Of the direct definition's operations. */
  readonly gflops: number;
  /** Of what was really executed. */
  readonly executedGflops: number;
  readonly percentOfPeak: number;
  /** Read and written, each tensor once. */
  readonly bytes: number;
  readonly operations: number;
  readonly schedule: Readonly<Record<string, string | number | boolean>>;
}

/** A copy into a texture computes nothing. */
const copyFigures = { name: copyKernel, ops: [], sources: [], operations: 0, executedOperations: 0, schedule: {} };

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Dispatch by dispatch, in order; `pictureBytes` is what the kernels that take pictures read. */
export function kernelFigures(
  program: Program,
  entryName: EntryName,
  profile: Profile,
  peakGflops: number,
  pictureBytes: number,
): KernelFigures[] {
  const entry = program.entries[entryName]!;
  const sizes = new Map([
    ...program.state.map(({ name, shape }) => [name, elements(shape) * 4] as const),
    ...entry.buffers.map(({ name, shape }) => [name, elements(shape) * 4] as const),
    ...entry.textures.map(({ name, shape }) => [name, elements(shape) * 4] as const),
  ]);
  const bytesOf = (dispatch: ProgramStep, at: number): number => {
    const { reads, writes } = dispatchTraffic(program, entry, dispatch, at);
    const own = (isCopy(dispatch) ? [] : dispatch.bindings).map(({ kind }) =>
      kind === "pictures" ? pictureBytes : kind === "labels" ? program.model.batch * 4 : 0,
    );
    return [...reads, ...writes].reduce((sum, name) => sum + sizes.get(name)!, 0) + own.reduce((a, b) => a + b, 0);
  };
  // The dispatches that fill the input come first; what they write is live from the entry's dispatch 0.
  const dispatches = [...entry.pictures, ...entry.dispatches];
  return profile.dispatches.map(({ nanoseconds }, i) => {
    const dispatch = dispatches[i];
    const kernel = isCopy(dispatch) ? copyFigures : program.kernels[dispatch.kernel];
    const gflops = kernel.operations / nanoseconds;
    return {
      name: kernel.name,
      ops: kernel.ops,
      sources: kernel.sources,
      ms: nanoseconds / 1e6,
      gflops,
      executedGflops: kernel.executedOperations / nanoseconds,
      percentOfPeak: (100 * gflops) / peakGflops,
      bytes: bytesOf(dispatch, Math.max(0, i - entry.pictures.length)),
      operations: kernel.operations,
      schedule: kernel.schedule,
    };
  });
}
