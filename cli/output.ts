/** Where output goes: what people read to stderr, what programs read to stdout, alone. */
import { writeSync } from "node:fs";

/** What else is on the terminal and must make way for a line: a progress bar. */
let interruptible: ((line: string) => void) | null = null;

/** While a progress bar is shown, lines are printed through it. */
export function printThrough(print: ((line: string) => void) | null): void {
  interruptible = print;
}

/** Prints lines for people. */
export function say(text: string): void {
  if (interruptible) interruptible(text);
  else process.stderr.write(`${text}\n`);
}

/** Prints what the command was asked for, and nothing else, to stdout: whole, also where it is a pipe. */
export function emit(text: string): void {
  const bytes = new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return; // whoever read it has seen enough
      if (code !== "EAGAIN") throw error;
    }
  }
}

export const emitJson = (value: unknown): void => emit(JSON.stringify(value));

/** 83.4 -> "1 min 23 s" */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
