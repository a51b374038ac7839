/** Preloaded (`node --import`) into a process that is measured from outside: what it cost in all, once it ends. */
import { writeSync } from "node:fs";

/** What a process tells on file descriptor 3. */
export interface Usage {
  /** Seconds of processor time, all threads. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage: Usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: maxRSS * 1024 };
  writeSync(3, JSON.stringify(usage));
});
