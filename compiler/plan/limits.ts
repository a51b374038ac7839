/** Whether every tensor can be bound on the target, and if not, what to do about it. */
import { formatType, sameShape, type Value } from "../ir/types.ts";
import { PlanError } from "./error.ts";
import { bytesOf, type PlanProblem, valuesRead, valuesWritten } from "./problem.ts";

/** The most bytes that one tensor may take on the target: it is bound whole, inside one buffer. */
export const largestTensor = ({ target }: PlanProblem): number =>
  Math.min(target.limits.maxStorageBufferBindingSize, target.limits.maxBufferSize);

/** Throws PlanError KILN3001 that names the largest tensor over the target's limit and the largest batch that fits. */
export function checkTensorSizes(problem: PlanProblem): void {
  const limit = largestTensor(problem);
  const bound = problem.kernels.flatMap((kernel) => [...valuesRead(kernel), ...valuesWritten(kernel)]);
  const tooLarge = [...new Set([...problem.inputs, ...problem.states, ...bound])].filter((v) => bytesOf(v) > limit);
  if (tooLarge.length === 0) return;
  const worst = tooLarge.reduce((a, b) => (bytesOf(b) > bytesOf(a) ? b : a));
  const batch = tooLarge.every((v) => scalesWithBatch(v, problem))
    ? Math.min(...tooLarge.map((v) => Math.floor(limit / (bytesOf(v) / problem.batch))))
    : 0;
  const more = tooLarge.length - 1;
  const others =
    more === 0 ? "" : more === 1 ? " (and 1 more tensor is too large)" : ` (and ${more} more tensors are too large)`;
  const remedy =
    batch > 0
      ? `The largest batch that fits is ${batch}.`
      : "No batch makes it fit: make the layer smaller, or choose a target with larger buffers.";
  throw new PlanError(
    "KILN3001",
    `tensor %${worst.name} ${formatType(worst.type)} takes ${formatBytes(bytesOf(worst))}, but target ` +
      `${problem.target.name} binds at most ${formatBytes(limit)} at once${others}. ${remedy}`,
    worst,
    batch > 0 ? batch : null,
  );
}

/** A tensor over pictures: its first extent is the batch, and it is no parameter nor shaped like one. */
const scalesWithBatch = (value: Value, { batch, states }: PlanProblem): boolean =>
  value.type.shape[0] === batch && !states.some((s) => sameShape(s.type.shape, value.type.shape));

/** `143327232 bytes (136.69 MiB)` */
export const formatBytes = (bytes: number): string => `${bytes} bytes (${(bytes / 2 ** 20).toFixed(2)} MiB)`;
