/** What a running kernel shares: memory with a record of who touched it, and the errors that a run can end in. */
import type { Kernel } from "../ir/kernel.ts";

/** A kernel did what no kernel may: which one, where, what. */
export class InterpretError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InterpretError";
  }
}

/** A load outside its memory happened while poison was not followed: run again, following it. */
export class PoisonSignal extends Error {}

/**
 * Who touched each element. `writers` hold 0 for nobody, else an invocation; `readers` also -1 for several. Invocations
 * are numbered from 1.
 */
export interface Tracker {
  readonly writers: Int32Array;
  readonly readers: Int32Array;
}

interface SharedTracker extends Tracker {
  /** Whether an element was ever written in this workgroup. */
  readonly filled: Uint8Array;
}

const tracker = (length: number): Tracker => ({ writers: new Int32Array(length), readers: new Int32Array(length) });

type Access = "load" | "store";

export class Machine {
  /** One for each array that the kernel writes, whatever names it goes by. */
  private readonly trackers = new Map<Float64Array, Tracker>();
  /** In the order of kernel.shared: accesses since the last barrier. */
  private readonly shared: readonly SharedTracker[];
  private workgroup: readonly [number, number, number] = [0, 0, 0];
  private poison = "";
  /** Statements by site, as text. */
  sites: readonly string[] = [];

  constructor(
    private readonly kernel: Kernel,
    private readonly memory: ReadonlyMap<string, Float64Array>,
  ) {
    for (const b of kernel.buffers) {
      const array = memory.get(b.name)!;
      if (b.writes && !this.trackers.has(array)) this.trackers.set(array, tracker(array.length));
    }
    this.shared = kernel.shared.map((a) => ({ ...tracker(a.length), filled: new Uint8Array(a.length) }));
  }

  /** The record of a buffer's array; undefined where nothing writes it. */
  trackerOf(buffer: string): Tracker | undefined {
    return this.trackers.get(this.memory.get(buffer)!);
  }

  array(buffer: string): Float64Array {
    return this.memory.get(buffer)!;
  }

  sharedTracker(index: number): SharedTracker {
    return this.shared[index];
  }

  begin(x: number, y: number, z: number): void {
    this.workgroup = [x, y, z];
    this.poison = "";
    this.barrier();
    for (const s of this.shared) s.filled.fill(0);
  }

  barrier(): void {
    for (const s of this.shared) {
      s.writers.fill(0);
      s.readers.fill(0);
    }
  }

  private fail(site: number, lane: number, problem: string): never {
    const where = `workgroup (${this.workgroup.join(", ")}), invocation ${lane}`;
    throw new InterpretError(`kernel ${this.kernel.name}, ${where}, at \`${this.sites[site]}\`: ${problem}`);
  }

  /** A load outside its memory: what it gives must not reach a store. */
  notePoison(site: number, lane: number, name: string, index: number, length: number): void {
    if (this.poison !== "") return;
    const what =
      index >= 0 && index < length ? `element ${index}, which nobody wrote` : `element ${index} of its ${length}`;
    this.poison = `the first here: invocation ${lane} loads ${name}'s ${what}, at \`${this.sites[site]}\``;
  }

  poisoned(site: number, lane: number, use: string): never {
    return this.fail(site, lane, `${use} comes from a load outside its memory (${this.poison})`);
  }

  outside(site: number, lane: number, name: string, index: number, length: number): never {
    return this.fail(site, lane, `element ${index} of ${name} is outside its ${length} elements`);
  }

  badIndex(site: number, lane: number, what: string, index: number, extent: number): never {
    return this.fail(site, lane, `${what} is indexed by ${index}; it must be in 0..${extent - 1}`);
  }

  diverges(site: number, lane: number): never {
    return this.fail(
      site,
      lane,
      "a barrier or broadcast stands under control flow on which the invocations of the workgroup disagree",
    );
  }

  /** Invocation `id` (from 1, over the dispatch) loads number j of a buffer that the kernel also writes. */
  noteLoad(site: number, lane: number, id: number, buffer: string, t: Tracker, j: number): void {
    const writer = t.writers[j];
    if (writer !== 0 && writer !== id) this.race(site, lane, "load", buffer, j, writer);
    const reader = t.readers[j];
    t.readers[j] = reader === 0 || reader === id ? id : -1;
  }

  noteStore(site: number, lane: number, id: number, buffer: string, t: Tracker, j: number): void {
    const writer = t.writers[j];
    if (writer !== 0 && writer !== id) this.race(site, lane, "store", buffer, j, writer);
    const reader = t.readers[j];
    if (reader !== 0 && reader !== id) this.race(site, lane, "store", buffer, j, reader);
    t.writers[j] = id;
  }

  noteSharedLoad(site: number, lane: number, array: string, t: Tracker, i: number): void {
    const writer = t.writers[i];
    if (writer !== 0 && writer !== lane + 1) this.sharedRace(site, lane, "load", array, i, writer);
    const reader = t.readers[i];
    t.readers[i] = reader === 0 || reader === lane + 1 ? lane + 1 : -1;
  }

  noteSharedStore(site: number, lane: number, array: string, t: SharedTracker, i: number): void {
    const writer = t.writers[i];
    if (writer !== 0 && writer !== lane + 1) this.sharedRace(site, lane, "store", array, i, writer);
    const reader = t.readers[i];
    if (reader !== 0 && reader !== lane + 1) this.sharedRace(site, lane, "store", array, i, reader);
    t.writers[i] = lane + 1;
    t.filled[i] = 1;
  }

  /** Two invocations touch an element of a buffer, one of them writing: no order between them is defined. */
  private race(site: number, lane: number, access: Access, buffer: string, element: number, other: number): never {
    const how = access === "load" ? "wrote" : "touched";
    return this.fail(
      site,
      lane,
      `${access} of number ${element} of ${buffer}, which ${this.invocation(other)} ${how}; invocations of one dispatch have no order`,
    );
  }

  /** The same in workgroup memory, since the last barrier. */
  private sharedRace(site: number, lane: number, access: Access, array: string, element: number, other: number): never {
    const who = other < 0 ? "several invocations" : `invocation ${other - 1}`;
    const how = access === "load" ? "wrote" : "touched";
    return this.fail(
      site,
      lane,
      `${access} of ${array}[${element}], which ${who} ${how} since the last barrier; put a barrier between them`,
    );
  }

  private invocation(id: number): string {
    if (id < 0) return "several invocations";
    const [x, y] = this.kernel.workgroups;
    const group = Math.floor((id - 1) / this.kernel.workgroupSize);
    const at = [group % x, Math.floor(group / x) % y, Math.floor(group / (x * y))];
    return `invocation ${(id - 1) % this.kernel.workgroupSize} of workgroup (${at.join(", ")})`;
  }
}
