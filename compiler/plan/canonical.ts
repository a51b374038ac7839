/**
 * A search for a placement within a given capacity, complete unless its budget runs out.
 *
 * After M. D. Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS
 * 2023 (doi 10.1145/3623278.3624752): blocks are placed bottom up, each resting on another or on the floor; a block is
 * not placed above a place where another would still fit beneath it whole; a section of time whose lowest free offset
 * and unplaced bytes together pass the capacity ends the branch; where no unplaced block crosses a moment, the two sides
 * are searched apart.
 */
import type { Block } from "./liveness.ts";

export interface SearchOutcome {
  /** impossible: no placement within the capacity exists. gaveUp: the budget was too small to tell. */
  readonly kind: "placed" | "impossible" | "gaveUp";
  /** By block, where placed. */
  readonly offsets: readonly number[];
  /** Blocks looked at: what the search cost, in a unit that is the same on every machine. */
  readonly work: number;
}

/** A search over one set of blocks, to be run again with other capacities and orders. */
export class CanonicalSearch {
  private capacity = 0;
  private budget = 0;
  private workLimit = 0;
  private steps = 0;
  private work = 0;
  private readonly offsets: Float64Array;
  private readonly count: number;
  private readonly size: Float64Array;
  /** Sections of time that the block covers: from <= section < to. */
  private readonly from: Int32Array;
  private readonly to: Int32Array;
  private readonly rank: Int32Array;
  /** By section: the blocks that cover it. */
  private readonly covering: Int32Array[];
  private readonly overlapping: Int32Array[];
  private readonly placed: Uint8Array;
  /** By unplaced block: the lowest offset that it can have. */
  private readonly lowest: Float64Array;
  /** By section: least of `lowest` over its unplaced blocks, and the sum of their sizes. */
  private readonly floor: Float64Array;
  private readonly unplaced: Float64Array;
  private readonly trail = new Trail();
  private readonly stamp: Int32Array;
  private stamps = 0;

  constructor(blocks: readonly Block[]) {
    const times = [...new Set(blocks.flatMap((b) => [b.start, b.end]))].sort((a, b) => a - b);
    const sectionAt = new Map(times.map((t, s) => [t, s]));
    const sections = Math.max(0, times.length - 1);
    this.count = blocks.length;
    this.size = Float64Array.from(blocks, (b) => b.size);
    this.from = Int32Array.from(blocks, (b) => sectionAt.get(b.start)!);
    this.to = Int32Array.from(blocks, (b) => sectionAt.get(b.end)!);
    this.rank = new Int32Array(this.count);
    this.offsets = new Float64Array(this.count);
    this.placed = new Uint8Array(this.count);
    this.lowest = new Float64Array(this.count);
    this.floor = new Float64Array(sections);
    this.unplaced = new Float64Array(sections);
    this.stamp = new Int32Array(sections);
    const covering: number[][] = Array.from({ length: sections }, () => []);
    const overlapping: number[][] = blocks.map(() => []);
    for (let b = 0; b < this.count; b++) {
      for (let s = this.from[b]; s < this.to[b]; s++) covering[s].push(b);
    }
    for (let a = 0; a < this.count; a++) {
      for (let b = 0; b < a; b++) {
        if (this.from[a] >= this.to[b] || this.from[b] >= this.to[a]) continue;
        overlapping[a].push(b);
        overlapping[b].push(a);
      }
    }
    this.covering = covering.map((live) => Int32Array.from(live));
    this.overlapping = overlapping.map((others) => Int32Array.from(others));
  }

  /**
   * Searches with at most `budget` steps, a step being one block placed, and `workLimit` blocks looked at.
   * @param order numbers of blocks; of those that could be placed lowest, the one that comes first is tried first
   */
  run(capacity: number, order: readonly number[], budget: number, workLimit = Number.POSITIVE_INFINITY): SearchOutcome {
    this.capacity = capacity;
    this.budget = budget;
    this.workLimit = workLimit;
    this.steps = 0;
    this.work = 0;
    order.forEach((b, r) => {
      this.rank[b] = r;
    });
    this.placed.fill(0);
    this.lowest.fill(0);
    this.floor.fill(0);
    this.covering.forEach((live, s) => {
      this.unplaced[s] = live.reduce((sum, b) => sum + this.size[b], 0);
    });
    this.trail.clear();
    const found = this.unplaced.every((bytes) => bytes <= capacity) && this.solveParts(order);
    const kind = found ? "placed" : this.exhausted() ? "gaveUp" : "impossible";
    return { kind, offsets: found ? Array.from(this.offsets) : [], work: this.work };
  }

  /** Places the unplaced blocks of `part`, in parts that share no moment. */
  private solveParts(part: readonly number[]): boolean {
    const byStart = [...part].sort((a, b) => this.from[a] - this.from[b]);
    let current: number[] = [];
    let reach = -1;
    const parts: number[][] = [];
    for (const b of byStart) {
      if (this.from[b] >= reach) {
        current = [];
        parts.push(current);
      }
      current.push(b);
      reach = Math.max(reach, this.to[b]);
    }
    // The smallest first: where it fails, the failure is found soon.
    parts.sort((a, b) => a.length - b.length);
    return parts.every((p) => this.solve(p));
  }

  private solve(part: readonly number[]): boolean {
    this.work += part.length;
    let lowestTop = Number.POSITIVE_INFINITY;
    for (const b of part) lowestTop = Math.min(lowestTop, this.lowest[b] + this.size[b]);
    const candidates = part
      .filter((b) => this.lowest[b] < lowestTop)
      .sort((a, b) => this.lowest[a] - this.lowest[b] || this.rank[a] - this.rank[b]);
    if (part.length === 1) {
      this.offsets[part[0]] = this.lowest[part[0]];
      return true;
    }
    for (let c = 0; c < candidates.length; c++) {
      const b = candidates[c];
      if (this.hasTwinBefore(candidates, c)) continue;
      this.steps++;
      if (this.exhausted()) return false;
      const mark = this.trail.mark();
      const fits = this.place(b, part);
      if (fits && this.solveParts(part.filter((other) => other !== b))) return true;
      this.trail.undo(mark, this.lowest, this.floor);
      this.placed[b] = 0;
      for (let s = this.from[b]; s < this.to[b]; s++) this.unplaced[s] += this.size[b];
      if (this.exhausted()) return false;
    }
    return false;
  }

  private exhausted(): boolean {
    return this.steps > this.budget || this.work > this.workLimit;
  }

  /** Whether an earlier candidate is the same block but for its name. */
  private hasTwinBefore(candidates: readonly number[], c: number): boolean {
    const b = candidates[c];
    for (let e = 0; e < c; e++) {
      const a = candidates[e];
      if (
        this.size[a] === this.size[b] &&
        this.from[a] === this.from[b] &&
        this.to[a] === this.to[b] &&
        this.lowest[a] === this.lowest[b]
      )
        return true;
    }
    return false;
  }

  /** Puts b at its lowest offset and raises what must lie above; false where that passes the capacity. */
  private place(b: number, part: readonly number[]): boolean {
    const offset = this.lowest[b];
    const top = offset + this.size[b];
    this.offsets[b] = offset;
    this.placed[b] = 1;
    for (let s = this.from[b]; s < this.to[b]; s++) this.unplaced[s] -= this.size[b];
    this.stamps++;
    this.work += this.overlapping[b].length + part.length;
    for (const other of this.overlapping[b]) {
      if (!this.placed[other] && this.lowest[other] < top && !this.raise(other, top)) return false;
    }
    // Bottom up: nothing that is placed later lies lower.
    for (const other of part) {
      if (!this.placed[other] && this.lowest[other] < offset && !this.raise(other, offset)) return false;
    }
    return this.updateFloors(b);
  }

  private raise(b: number, to: number): boolean {
    if (to + this.size[b] > this.capacity) return false;
    const before = this.lowest[b];
    this.trail.pushLowest(b, before);
    this.lowest[b] = to;
    // A section's floor rises only where one of its lowest blocks did.
    for (let s = this.from[b]; s < this.to[b]; s++) if (this.floor[s] === before) this.stamp[s] = this.stamps;
    this.first = Math.min(this.first, this.from[b]);
    this.last = Math.max(this.last, this.to[b]);
    return true;
  }

  /** Range of sections that `raise` has touched since the last `updateFloors`. */
  private first = Number.MAX_SAFE_INTEGER;
  private last = 0;

  /** After b was placed. */
  private updateFloors(b: number): boolean {
    const [from, to, offset] = [this.from[b], this.to[b], this.offsets[b]];
    const first = Math.min(this.first, from);
    const last = Math.min(this.floor.length, Math.max(this.last, to));
    this.first = Number.MAX_SAFE_INTEGER;
    this.last = 0;
    for (let s = first; s < last; s++) {
      const left = from <= s && s < to && this.floor[s] === offset;
      if (this.stamp[s] !== this.stamps && !left) continue;
      if (this.unplaced[s] === 0) continue;
      this.work += this.covering[s].length;
      let floor = Number.POSITIVE_INFINITY;
      for (const b of this.covering[s]) if (!this.placed[b] && this.lowest[b] < floor) floor = this.lowest[b];
      if (floor === this.floor[s]) {
        if (floor + this.unplaced[s] > this.capacity) return false;
        continue;
      }
      this.trail.pushFloor(s, this.floor[s]);
      this.floor[s] = floor;
      if (floor + this.unplaced[s] > this.capacity) return false;
    }
    return true;
  }
}

/** What was overwritten, to be put back on the way out of a branch. */
class Trail {
  private readonly places: number[] = [];
  private readonly values: number[] = [];

  clear(): void {
    this.places.length = 0;
    this.values.length = 0;
  }
  mark(): number {
    return this.places.length;
  }
  pushLowest(block: number, value: number): void {
    this.places.push(block);
    this.values.push(value);
  }
  pushFloor(section: number, value: number): void {
    this.places.push(-1 - section);
    this.values.push(value);
  }
  undo(mark: number, lowest: Float64Array, floor: Float64Array): void {
    while (this.places.length > mark) {
      const place = this.places.pop()!;
      const value = this.values.pop()!;
      if (place >= 0) lowest[place] = value;
      else floor[-1 - place] = value;
    }
  }
}
