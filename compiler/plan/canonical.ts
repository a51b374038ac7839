/**
 * A search for a placement within a given capacity, complete unless its budget runs out.
 *
 * After M. D. Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS
 * 2023 (doi 10.1145/3623278.3624752): blocks are placed bottom up, each resting on another or on the floor; a block is
 * not placed above a place where another would still fit beneath it whole; a section of time whose lowest free offset
 * and unplaced bytes together pass the capacity ends the branch; where no unplaced block crosses a moment, the two sides
 * are searched apart.
 *
 * The branching is binary, as of the schedule-or-postpone kind in job-shop scheduling: the lowest block is placed where it
 * rests, or it is postponed. A postponed block must come to rest on one that is not placed yet, so it lies no lower than
 * the lowest of their tops: sections that can't afford that end the branch before anything else is tried in it.
 */
import type { Block } from "./liveness.ts";
import { Sections } from "./sections.ts";
import { Trail } from "./trail.ts";

export interface SearchOutcome {
  /** impossible: no placement within the capacity exists. gaveUp: the budget was too small to tell. */
  readonly kind: "placed" | "impossible" | "gaveUp";
  /** By block, where placed. */
  readonly offsets: readonly number[];
  /** Blocks looked at: what the search cost, in a unit that is the same on every machine. */
  readonly work: number;
}

/** Which block is tried first where several could be placed lowest. */
export interface Preference {
  /** The greatest comes first; the most important key stands first. crowd: the most unplaced bytes in a section of it. */
  readonly keys: readonly ("width" | "area" | "crowd")[];
  /** By block: factors on the keys, for searches that differ; none where not given. */
  readonly factors?: readonly number[];
}

export interface Budget {
  /** Blocks looked at, at most. */
  readonly work: number;
  /** Asked now and then; false ends the search. */
  readonly goOn?: () => boolean;
}

/** Blocks looked at between two questions whether to go on: some milliseconds. */
const askEvery = 1 << 20;

/** Blocks that are to be placed, pool[begin..end), connected in time; they cover sections first <= s < last. */
interface Part {
  readonly begin: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
  /** The choice that left it; null where none was made. Where the part can't be placed, that choice was wrong. */
  readonly maker: Choice | null;
  /** What is to be placed after it. */
  readonly next: Part | null;
}

/** A block of a part, placed where it rests. */
interface Choice {
  readonly part: Part;
  /** The trail before anything in the part was tried. */
  readonly start: number;
  /** How many blocks were placed then. */
  readonly depth: number;
  /** -1: none yet. */
  block: number;
  offset: number;
  /** The trail before the block was placed. */
  mark: number;
  /** What a split has overwritten: ranks of the part's blocks. */
  ranks: readonly { readonly block: number; readonly rank: number }[];
}

/** A search over one set of blocks, to be run again with other capacities and preferences. */
export class CanonicalSearch {
  private readonly count: number;
  private readonly sections: Sections;
  private readonly size: Float64Array;
  private readonly alignment: Float64Array;
  private readonly width: Float64Array;

  private capacity = 0;
  private preference: Preference = { keys: [] };
  private budget: Budget = { work: 0 };
  private work = 0;
  private nextQuestion = 0;
  private stopped = false;

  /** Blocks in parts: a part is a range, those that are not placed yet at its front. */
  private readonly pool: Int32Array;
  private readonly rank: Int32Array;
  private readonly placed: Uint8Array;
  /** In the order in which they were placed. */
  private readonly stack: number[] = [];
  /** By block: where it rests on those that are placed. Once placed, its offset. */
  private readonly rest: Float64Array;
  /** By unplaced block: the lowest offset that it can have. Above `rest` where the block was postponed. */
  private readonly lowest: Float64Array;
  /** By section: unplaced blocks, their bytes, and the least of their `lowest`. */
  private readonly waiting: Int32Array;
  private readonly unplaced: Float64Array;
  private readonly floor: Float64Array;
  /** By section: unplaced blocks that cover it and the section before. */
  private readonly crossing: Int32Array;
  /** Latest change after which the section's floor must be computed again. */
  private readonly touched: Int32Array;
  private change = 0;
  private readonly trail = new Trail();

  constructor(blocks: readonly Block[]) {
    this.count = blocks.length;
    this.sections = new Sections(blocks);
    this.size = Float64Array.from(blocks, (b) => b.size);
    this.alignment = Float64Array.from(blocks, (b) => b.alignment ?? 1);
    this.width = Float64Array.from(blocks, (b) => b.end - b.start);
    this.pool = new Int32Array(this.count);
    this.rank = new Int32Array(this.count);
    this.placed = new Uint8Array(this.count);
    this.rest = new Float64Array(this.count);
    this.lowest = new Float64Array(this.count);
    this.waiting = new Int32Array(this.sections.count);
    this.unplaced = new Float64Array(this.sections.count);
    this.floor = new Float64Array(this.sections.count);
    this.crossing = new Int32Array(this.sections.count);
    this.touched = new Int32Array(this.sections.count);
  }

  /** Searches for offsets that end at or below `capacity`, while the budget lasts. Deterministic but for `goOn`. */
  run(capacity: number, preference: Preference, budget: Budget): SearchOutcome {
    this.capacity = capacity;
    this.preference = preference;
    this.budget = budget;
    this.work = 0;
    this.nextQuestion = 0;
    this.stopped = false;
    this.stack.length = 0;
    this.trail.clear();
    this.rest.fill(0);
    this.lowest.fill(0);
    this.floor.fill(0);
    this.waiting.fill(0);
    this.unplaced.fill(0);
    this.crossing.fill(0);
    for (let b = 0; b < this.count; b++) {
      this.pool[b] = b;
      this.unplace(b);
    }
    const fits = this.unplaced.every((bytes) => bytes <= capacity);
    const kind = fits ? this.solve(this.parts(0, this.count, null, null)) : "impossible";
    return { kind, offsets: kind === "placed" ? Array.from(this.rest) : [], work: this.work };
  }

  /** Not recursive, since parts may have more blocks than a call stack has room for. */
  private solve(first: Part | null): SearchOutcome["kind"] {
    for (let part = first; part !== null; ) {
      let choice: Choice = this.open(part);
      let left = this.choose(choice);
      while (left === undefined) {
        if (this.exhausted()) return "gaveUp";
        this.trail.undo(choice.start);
        if (choice.part.maker === null) return "impossible";
        choice = choice.part.maker;
        this.retract(choice);
        left = this.choose(choice);
      }
      part = left;
    }
    return "placed";
  }

  private open(part: Part): Choice {
    const start = this.trail.mark();
    return { part, start, depth: this.stack.length, block: -1, offset: 0, mark: start, ranks: [] };
  }

  /**
   * Places the next block of a part, one that was placed before being postponed. Gives what is then left to be placed;
   * undefined where no block is left to choose, or the budget is spent.
   */
  private choose(choice: Choice): Part | null | undefined {
    const { part } = choice;
    const { begin, end, first, last, next } = part;
    for (;;) {
      const { block, offset } = choice;
      if (block >= 0 && !(this.postpone(block, offset) && this.affordable(first, last, offset))) return undefined;
      const lowest = this.pick(begin, end);
      if (lowest < 0 || this.exhausted()) return undefined;
      choice.block = lowest;
      choice.offset = this.rest[lowest];
      choice.mark = this.trail.mark();
      const split = this.place(lowest);
      if (this.raiseAbove(lowest) && this.affordable(first, last, choice.offset)) {
        if (end - 1 === begin) return next;
        if (!split) return { begin, end: end - 1, first, last, maker: choice, next };
        choice.ranks = Array.from(this.pool.subarray(begin, end), (b) => ({ block: b, rank: this.rank[b] }));
        return this.parts(begin, end - 1, choice, next);
      }
      this.retract(choice);
    }
  }

  /** Of the blocks pool[begin..end) that may be placed where they rest, the lowest, moved to the end; -1 where there is none. */
  private pick(begin: number, end: number): number {
    const { pool, rest, size, lowest, rank } = this;
    this.work += end - begin;
    let at = -1;
    let leastTop = Number.POSITIVE_INFINITY;
    for (let i = begin; i < end; i++) {
      const b = pool[i];
      leastTop = Math.min(leastTop, rest[b] + size[b]);
      if (lowest[b] > rest[b]) continue;
      const best = pool[at];
      if (at < 0 || rest[b] < rest[best] || (rest[b] === rest[best] && rank[b] < rank[best])) at = i;
    }
    if (at < 0 || rest[pool[at]] >= leastTop) return -1;
    const picked = pool[at];
    pool[at] = pool[end - 1];
    pool[end - 1] = picked;
    return picked;
  }

  /** Takes back a choice and all that came after it. */
  private retract({ depth, mark, ranks }: Choice): void {
    while (this.stack.length > depth) this.unplace(this.stack.pop()!);
    this.trail.undo(mark);
    for (const { block, rank } of ranks) this.rank[block] = rank;
  }

  /** The blocks pool[begin..end) in parts that share no section, before `next`. */
  private parts(begin: number, end: number, maker: Choice | null, next: Part | null): Part | null {
    const { from, to } = this.sections;
    const { pool } = this;
    pool.subarray(begin, end).sort((a, b) => from[a] - from[b] || a - b);
    const found: { begin: number; end: number; last: number }[] = [];
    for (let at = begin; at < end; at++) {
      const latest = found.at(-1);
      if (latest === undefined || from[pool[at]] >= latest.last)
        found.push({ begin: at, end: at + 1, last: to[pool[at]] });
      else Object.assign(latest, { end: at + 1, last: Math.max(latest.last, to[pool[at]]) });
    }
    return found.reduceRight<Part | null>((after, range) => {
      this.rankPart(range.begin, range.end);
      return { ...range, first: from[pool[range.begin]], maker, next: after };
    }, next);
  }

  private exhausted(): boolean {
    if (this.work > this.nextQuestion) {
      this.nextQuestion = this.work + askEvery;
      this.stopped ||= this.budget.goOn?.() === false;
    }
    return this.stopped || this.work > this.budget.work;
  }

  /** Ranks the blocks of a part, pool[begin..end), by preference; the crowd is that of now. */
  private rankPart(begin: number, end: number): void {
    const crowd = (b: number): number => {
      let most = 0;
      for (let s = this.sections.from[b]; s < this.sections.to[b]; s++) most = Math.max(most, this.unplaced[s]);
      return most;
    };
    const { keys, factors } = this.preference;
    const ranked = Array.from(this.pool.subarray(begin, end), (b) => {
      const factor = factors?.[b] ?? 1;
      const width = this.width[b] * factor;
      return { b, width, area: width * this.size[b], crowd: crowd(b) * factor };
    });
    ranked.sort((x, y) => {
      for (const key of keys) if (x[key] !== y[key]) return y[key] - x[key];
      return x.b - y.b;
    });
    ranked.forEach(({ b }, rank) => {
      this.rank[b] = rank;
    });
  }

  /** Whether that leaves moments that no unplaced block crosses. */
  private place(b: number): boolean {
    const { from, to } = this.sections;
    this.placed[b] = 1;
    this.stack.push(b);
    this.change++;
    let split = false;
    for (let s = from[b]; s < to[b]; s++) {
      this.waiting[s]--;
      this.unplaced[s] -= this.size[b];
      if (this.floor[s] === this.rest[b]) this.touched[s] = this.change;
      if (s > from[b] && --this.crossing[s] === 0) split = true;
    }
    return split;
  }

  private unplace(b: number): void {
    const { from, to } = this.sections;
    this.placed[b] = 0;
    for (let s = from[b]; s < to[b]; s++) {
      this.waiting[s]++;
      this.unplaced[s] += this.size[b];
      if (s > from[b]) this.crossing[s]++;
    }
  }

  /** Lifts what overlaps b above it; false where something no longer fits. */
  private raiseAbove(b: number): boolean {
    const top = this.rest[b] + this.size[b];
    const others = this.sections.overlapping[b];
    this.work += others.length;
    for (let i = 0; i < others.length; i++) {
      const other = others[i];
      if (this.placed[other] === 1 || this.rest[other] >= top) continue;
      const rest = this.aligned(other, top);
      this.trail.set(this.rest, other, rest);
      if (this.lowest[other] < rest && !this.raise(other, rest)) return false;
    }
    return true;
  }

  /** b is to rest on a block that is not placed yet; false where there is none or b no longer fits. */
  private postpone(b: number, level: number): boolean {
    let least = Number.POSITIVE_INFINITY;
    const others = this.sections.overlapping[b];
    this.work += others.length;
    for (let i = 0; i < others.length; i++) {
      const other = others[i];
      if (this.placed[other] === 0) least = Math.min(least, Math.max(this.lowest[other], level) + this.size[other]);
    }
    this.change++;
    return this.raise(b, this.aligned(b, least));
  }

  private raise(b: number, to: number): boolean {
    const before = this.lowest[b];
    this.trail.set(this.lowest, b, to);
    const last = this.sections.to[b];
    this.work += (last - this.sections.from[b]) >> 2;
    // A section's floor rises only where one of its lowest blocks did.
    for (let s = this.sections.from[b]; s < last; s++) if (this.floor[s] === before) this.touched[s] = this.change;
    return to + this.size[b] <= this.capacity;
  }

  private aligned(b: number, offset: number): number {
    const alignment = this.alignment[b];
    return alignment === 1 ? offset : Math.ceil(offset / alignment) * alignment;
  }

  /** Whether each section still has room for what waits in it, none of which lies below `level`. */
  private affordable(first: number, last: number, level: number): boolean {
    this.work += (last - first) >> 2;
    for (let s = first; s < last; s++) {
      if (this.waiting[s] === 0) continue;
      if (this.touched[s] === this.change) this.updateFloor(s);
      if (Math.max(this.floor[s], level) + this.unplaced[s] > this.capacity) return false;
    }
    return true;
  }

  private updateFloor(s: number): void {
    const blocks = this.sections.covering[s];
    this.work += blocks.length;
    let floor = Number.POSITIVE_INFINITY;
    for (let i = 0; i < blocks.length; i++) {
      const b = blocks[i];
      if (this.placed[b] === 0 && this.lowest[b] < floor) floor = this.lowest[b];
    }
    if (floor !== this.floor[s]) this.trail.set(this.floor, s, floor);
  }
}
