/** What went wrong, coarsely: lets a caller decide without reading the message. */
export type KilnErrorKind =
  /** No adapter, or one that lacks something the program needs. */
  | "adapter"
  /** The device is gone; everything on it is lost. */
  | "device-lost"
  | "out-of-memory"
  /** WGSL or WebGPU refused something: a fault of the compiler, not of the user. */
  | "validation"
  /** program.json, a kernel or weights do not hold what they should. */
  | "artifact"
  /** A file cannot be read or written. */
  | "file"
  | "data"
  /** The loss or a parameter is not a finite number. */
  | "diverged"
  /** A call that cannot be answered as it stands. */
  | "usage";

/** An error for the person who reads it: what is wrong, where, what was expected, what to do. */
export class KilnError extends Error {
  constructor(
    readonly kind: KilnErrorKind,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = "KilnError";
  }
}

/** 4194304 -> "4.0 MiB" */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(1)} ${units[unit]}`;
}
