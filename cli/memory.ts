/** A plan's memory in words. */
import { formatBytes } from "../runtime/program/error.ts";

interface PlanBytes {
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
  readonly persistentBytes: number;
}

/** `Memory: arena 1.5 MiB (1572864 bytes), lower bound 1.5 MiB, ratio 1.000; state 2.0 MiB` */
export function describeMemory({ arenaBytes, lowerBoundBytes, persistentBytes }: PlanBytes): string {
  const ratio = lowerBoundBytes === 0 ? 1 : arenaBytes / lowerBoundBytes;
  return (
    `Memory: arena ${formatBytes(arenaBytes)} (${arenaBytes} bytes), lower bound ${formatBytes(lowerBoundBytes)}, ` +
    `ratio ${ratio.toFixed(3)}; state ${formatBytes(persistentBytes)}`
  );
}
