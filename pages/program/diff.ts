/**
 * What a pass changed. Texts are compared by their parts first (a definition, a group, a kernel), then line by line
 * within those that changed: a pass that puts kernels in another order is then a few moves, not thousands of lines.
 */
import { diffArrays } from "diff";

export interface Line {
  readonly kind: "same" | "removed" | "added";
  /** From 1; of what the line is not in, null. */
  readonly before: number | null;
  readonly after: number | null;
  readonly text: string;
}

/** Lines, or a part that stands elsewhere in the other text. */
export type Entry =
  | Line
  | { readonly kind: "moved"; readonly away: boolean; readonly head: string; readonly count: number };

export interface Difference {
  readonly entries: readonly Entry[];
  readonly removed: number;
  readonly added: number;
  readonly moved: number;
}

interface Part {
  readonly from: number;
  readonly text: string;
  readonly lines: readonly string[];
}

const partsOf = (lines: readonly string[]): Part[] => {
  const parts: Part[] = [];
  for (let from = 0; from < lines.length; ) {
    let to = from + 1;
    while (to < lines.length && (/^[ }]/.test(lines[to]) || lines[to] === "")) to++;
    const own = lines.slice(from, to);
    parts.push({ from, lines: own, text: own.join("\n") });
    from = to;
  }
  return parts;
};

/** Parts that begin alike are the same thing, changed: `group NAME`, `%value`. */
const nameOf = ({ lines: [head] }: Part): string => /^(\w+ )?[\w.%"]+/.exec(head)?.[0] ?? head;

export function difference(before: readonly string[], after: readonly string[]): Difference {
  const entries: Entry[] = [];
  const [old, now] = [partsOf(before), partsOf(after)];
  const elsewhere = {
    away: new Set(now.map(({ text }) => text)),
    here: new Set(old.map(({ text }) => text)),
  };
  const line = (kind: Line["kind"], text: string, b: number | null, a: number | null) =>
    entries.push({ kind, text, before: b, after: a });
  const whole = (part: Part, kind: "removed" | "added") => {
    const removed = kind === "removed";
    if (part.lines.length > 1 && (removed ? elsewhere.away : elsewhere.here).has(part.text))
      entries.push({ kind: "moved", away: removed, head: part.lines[0], count: part.lines.length });
    else
      part.lines.forEach((text, i) =>
        line(kind, text, removed ? part.from + i + 1 : null, removed ? null : part.from + i + 1),
      );
  };
  const within = (a: Part, b: Part) => {
    let [i, j] = [a.from, b.from];
    for (const { value, removed, added } of diffArrays([...a.lines], [...b.lines]))
      for (const text of value) {
        if (removed) line("removed", text, ++i, null);
        else if (added) line("added", text, null, ++j);
        else line("same", text, ++i, ++j);
      }
  };

  let removed: Part[] = [];
  const flush = (added: readonly Part[]) => {
    const counterpart = new Map(removed.map((part) => [nameOf(part), part]));
    let rest = removed;
    for (const part of added) {
      const partner = counterpart.get(nameOf(part));
      if (partner && rest.includes(partner)) {
        // Those before it come first, so that both columns go down.
        const at = rest.indexOf(partner);
        for (const other of rest.slice(0, at)) whole(other, "removed");
        rest = rest.slice(at + 1);
        within(partner, part);
      } else whole(part, "added");
    }
    for (const part of rest) whole(part, "removed");
    removed = [];
  };
  let [i, j] = [0, 0];
  for (const change of diffArrays(
    old.map(({ text }) => text),
    now.map(({ text }) => text),
  )) {
    const { length } = change.value;
    if (change.removed) {
      flush([]);
      removed = old.slice(i, i + length);
      i += length;
    } else if (change.added) {
      flush(now.slice(j, j + length));
      j += length;
    } else {
      flush([]);
      for (let n = 0; n < length; n++, i++, j++)
        now[j].lines.forEach((text, l) => line("same", text, old[i].from + l + 1, now[j].from + l + 1));
    }
  }
  flush([]);
  const count = (kind: Entry["kind"]) => entries.filter((entry) => entry.kind === kind).length;
  const moved = entries.filter((entry) => entry.kind === "moved" && entry.away).length;
  return { entries, removed: count("removed"), added: count("added"), moved };
}
