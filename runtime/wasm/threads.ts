import type { DispatchTable, WasmMemory } from "./memory.ts";
import { control, makeThread, record, type ThreadMessage, type ThreadSetup, workerText } from "./worker.ts";

/** A worker of either world. */
export interface WorkerLike {
  post(message: unknown): void;
  onMessage(handler: (message: ThreadMessage) => void): void;
  onError(handler: (message: string) => void): void;
  /** Whether it keeps the process alive. */
  hold(on: boolean): void;
  terminate(): void;
}

/** Starts a worker that runs a text. */
export type Spawn = (text: string) => WorkerLike;

/** Runs tables of dispatches. One run at a time. */
export interface Threads {
  readonly count: number;
  run(table: DispatchTable, timed: boolean): Promise<void>;
  stop(): void;
}

/** What a kernel or a worker failed with. */
export class ThreadError extends Error {
  constructor(
    message: string,
    /** Index into the program's list. */
    readonly kernel?: number,
  ) {
    super(message);
  }
}

const setupOf = (
  { memory, scratch }: WasmMemory,
  modules: readonly WebAssembly.Module[],
  thread: number,
  threads: number,
): ThreadSetup => ({
  memory,
  modules,
  thread,
  threads,
  scratch: scratch[thread],
  timeOrigin: performance.timeOrigin,
  control,
  record,
});

/** Writes a table's address into the control block, all of its workgroups untaken. */
function arm({ words, times }: WasmMemory, { address, dispatches }: DispatchTable, timed: boolean): void {
  const table = address >> 2;
  for (let i = 0; i < dispatches.length; i++) words[table + i * record.words + record.next] = 0;
  words[control.table] = address;
  words[control.dispatches] = dispatches.length;
  words[control.times] = timed ? times : 0;
}

/** Workers that share the program's memory. Resolves when all have made their kernels. */
export async function startWorkers(
  memory: WasmMemory,
  modules: readonly WebAssembly.Module[],
  count: number,
  spawn: Spawn,
  onFailure: (error: ThreadError) => void,
): Promise<Threads> {
  const workers = Array.from({ length: count }, () => spawn(workerText));
  let ready = 0;
  let allReady!: () => void;
  let finish: (() => void) | null = null;
  let refuse!: (error: ThreadError) => void;
  const started = new Promise<void>((resolve, reject) => {
    allReady = resolve;
    refuse = reject;
  });
  const fail = (error: ThreadError) => {
    refuse(error);
    onFailure(error);
  };
  workers.forEach((worker, thread) => {
    worker.onError((message) => fail(new ThreadError(message)));
    worker.onMessage((message) => {
      if (message.kind === "ready") {
        if (++ready === count) allReady();
      } else if (message.kind === "done") finish?.();
      else fail(new ThreadError(message.message, message.kernel));
    });
    worker.post(setupOf(memory, modules, thread, count));
  });
  const stop = () => {
    for (const worker of workers) worker.terminate();
  };
  try {
    await started;
  } catch (error) {
    stop();
    throw error;
  }
  for (const worker of workers) worker.hold(false);
  return {
    count,
    run: (table, timed) => {
      arm(memory, table, timed);
      workers[0].hold(true);
      return new Promise<void>((resolve) => {
        finish = () => {
          workers[0].hold(false);
          resolve();
        };
        Atomics.add(memory.words, control.run, 1);
        Atomics.notify(memory.words, control.run);
      });
    },
    stop,
  };
}

/** The calling thread alone, where memory cannot be shared with workers; it pauses after each dispatch. */
export function callingThread(
  memory: WasmMemory,
  modules: readonly WebAssembly.Module[],
  onFailure: (error: ThreadError) => void,
): Threads {
  let failure: ThreadError | null = null;
  const run = makeThread(setupOf(memory, modules, 0, 1), (message) => {
    if (message.kind === "failed") failure = new ThreadError(message.message, message.kernel);
  });
  const { words, times } = memory;
  return {
    count: 1,
    run: async (table, timed) => {
      const clock = new Float64Array(memory.memory.buffer, times, table.dispatches.length + 1);
      arm(memory, table, false);
      words[control.dispatches] = 1;
      let now = 0;
      for (let i = 0; i < table.dispatches.length; i++) {
        words[control.table] = table.address + i * record.words * 4;
        const start = performance.now();
        run();
        now += performance.now() - start;
        if (failure) {
          onFailure(failure);
          throw failure;
        }
        if (timed) clock[i + 1] = now;
        await pause();
      }
      if (timed) clock[0] = 0;
    },
    stop: () => {},
  };
}

/** Lets the page live: a message arrives after everything that waits now. */
const pause = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
