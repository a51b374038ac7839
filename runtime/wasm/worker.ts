/** What every thread does: kernels over their share of the workgroups, a barrier after each dispatch. */

/** Words of the control block at the beginning of memory. */
export const control = {
  /** Counts the runs asked for; threads wait for it to change. */
  run: 0,
  /** Threads at the barrier, and how many barriers were passed. */
  arrived: 1,
  passed: 2,
  /** Address of the table of dispatches, and their number. */
  table: 3,
  dispatches: 4,
  /** Where the time before the first dispatch and after each is left, as f64 milliseconds; 0 for nowhere. */
  times: 5,
  words: 16,
} as const;

/** Words of a dispatch in its table. */
export const record = {
  kernel: 0,
  /** Address of the table of its bindings' addresses. */
  bindings: 1,
  workgroups: 2,
  /** Workgroups that a thread takes at a time. */
  chunk: 3,
  /** The first workgroup that no thread has taken. */
  next: 4,
  words: 5,
} as const;

export interface ThreadSetup {
  readonly memory: WebAssembly.Memory;
  readonly modules: readonly WebAssembly.Module[];
  readonly thread: number;
  readonly threads: number;
  /** Address of the thread's own scratch memory. */
  readonly scratch: number;
  /** The performance.timeOrigin that all threads count from: each has one of its own. */
  readonly timeOrigin: number;
  readonly control: typeof control;
  readonly record: typeof record;
}

export type ThreadMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly kernel: number; readonly message: string };

/** Makes a thread's kernels; what comes back runs its share of the table of dispatches that the control block names. */
export type MakeThread = (setup: ThreadSetup, post: (message: ThreadMessage) => void) => () => boolean;

/**
 * Stands alone, since its text is what a worker gets: nothing outside it may be named. A run ends with false where a
 * kernel trapped, which ends the thread.
 */
export const makeThread: MakeThread = (setup, post) => {
  const { memory, modules, thread, threads, scratch, timeOrigin, control, record } = setup;
  const words = new Int32Array(memory.buffer);
  const kernels = modules.map(
    (module) =>
      new WebAssembly.Instance(module, { kiln: { memory } }).exports.run as (
        workgroup: number,
        end: number,
        bindings: number,
        scratch: number,
      ) => void,
  );
  const spins = 2000;
  const offset = performance.timeOrigin - timeOrigin;

  /** The last to arrive leaves the time: a thread that waits may be woken long after. */
  const barrier = (clock: Float64Array | null, at: number): void => {
    const passed = Atomics.load(words, control.passed);
    if (Atomics.add(words, control.arrived, 1) === threads - 1) {
      if (clock) clock[at] = performance.now() + offset;
      Atomics.store(words, control.arrived, 0);
      Atomics.store(words, control.passed, (passed + 1) | 0);
      Atomics.notify(words, control.passed);
      return;
    }
    for (let i = 0; i < spins; i++) if (Atomics.load(words, control.passed) !== passed) return;
    while (Atomics.load(words, control.passed) === passed) Atomics.wait(words, control.passed, passed);
  };

  return () => {
    const table = words[control.table] >> 2;
    const dispatches = words[control.dispatches];
    const times = words[control.times];
    const clock = times !== 0 ? new Float64Array(memory.buffer, times, dispatches + 1) : null;
    barrier(clock, 0);
    for (let i = 0; i < dispatches; i++) {
      const at = table + i * record.words;
      const kernel = words[at + record.kernel];
      const workgroups = words[at + record.workgroups];
      const chunk = words[at + record.chunk];
      try {
        for (;;) {
          const from = Atomics.add(words, at + record.next, chunk);
          if (from >= workgroups) break;
          kernels[kernel](from, Math.min(from + chunk, workgroups), words[at + record.bindings], scratch);
        }
      } catch (error) {
        post({ kind: "failed", kernel, message: `${error}` });
        return false;
      }
      barrier(clock, i + 1);
    }
    if (thread === 0) post({ kind: "done" });
    return true;
  };
};

/** The text of a worker: it makes its thread, then waits for runs. In Node and in a tab. */
export const workerText = `
const make = ${makeThread.toString()};
const start = (setup, post) => {
  const words = new Int32Array(setup.memory.buffer);
  let seen = Atomics.load(words, setup.control.run);
  const run = make(setup, post);
  post({ kind: "ready" });
  do {
    Atomics.wait(words, setup.control.run, seen);
    seen = (seen + 1) | 0;
  } while (run());
};
if (typeof WorkerGlobalScope === "undefined") {
  const { parentPort } = require("node:worker_threads");
  parentPort.once("message", (setup) => start(setup, (message) => parentPort.postMessage(message)));
} else self.onmessage = ({ data }) => start(data, (message) => self.postMessage(message));
`;
