/** Two plans' JSON: what changed, in sentences. */
import type { PlanJson } from "../../compiler/plan/json.ts";

/** A sentence for each total, buffer, texture and dispatch that differs; none where the texts are no plans. */
export function planDifferences(before: string, after: string): string[] {
  const [old, now] = [before, after].map(parsePlan);
  if (!old || !now) return [];
  return [
    ...(["arenaBytes", "lowerBoundBytes", "persistentBytes"] as const).flatMap((total) =>
      old[total] === now[total] ? [] : [`${total}: ${now[total]}, was ${old[total]}`],
    ),
    ...places("buffer", old.buffers, now.buffers),
    ...places("texture", old.textures, now.textures),
    ...dispatches(old.dispatches, now.dispatches),
  ];
}

function parsePlan(text: string): PlanJson | null {
  try {
    const plan = JSON.parse(text);
    return [plan.buffers, plan.textures, plan.dispatches].every(Array.isArray) ? plan : null;
  } catch {
    return null; // the lines say more
  }
}

interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset?: number;
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

function places(kind: string, old: readonly Place[], now: readonly Place[]): string[] {
  const names = new Set([...old, ...now].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [before, after] = [old, now].map((list) => list.find((place) => place.name === name));
    if (!after) return [`${kind} ${name} is gone`];
    if (!before)
      return [
        `${kind} ${name} is new: ${figures(after)
          .map(([what, value]) => `${what} ${value}`)
          .join(", ")}`,
      ];
    const was = new Map(figures(before));
    const changed = figures(after).filter(([what, value]) => was.get(what) !== value);
    const parts = changed.map(([what, value]) => `${what} ${value}, was ${was.get(what)}`);
    return parts.length > 0 ? [`${kind} ${name}: ${parts.join("; ")}`] : [];
  });
}

const figures = ({ shape, offset, size, start, end }: Place): [string, string][] => [
  ...(offset === undefined ? [] : [["offset", `${offset}`] as [string, string]]),
  ["size", `${size}`],
  ["shape", `[${shape.join(", ")}]`],
  ["life", `[${start}, ${end})`],
];

type Dispatch = PlanJson["dispatches"][number];

/** Where the order of kernels is another, the first place where it is; else what changed in each dispatch. */
function dispatches(old: readonly Dispatch[], now: readonly Dispatch[]): string[] {
  const at = Array.from({ length: Math.max(old.length, now.length) }, (_, i) => i).find(
    (i) => old[i]?.kernel !== now[i]?.kernel,
  );
  if (at !== undefined) {
    const name = (dispatch?: Dispatch) => dispatch?.kernel ?? "nothing";
    const count = old.length === now.length ? "" : ` (${now.length} dispatches, were ${old.length})`;
    return [`dispatch ${at} is ${name(now[at])}, was ${name(old[at])}${count}`];
  }
  return now.flatMap((dispatch, i) => {
    const parts = (["workgroups", "reads", "writes"] as const)
      .filter((field) => `${dispatch[field]}` !== `${old[i][field]}`)
      .map((field) => `${field} [${dispatch[field].join(", ")}], was [${old[i][field].join(", ")}]`);
    return parts.length > 0 ? [`dispatch ${i}, ${dispatch.kernel}: ${parts.join("; ")}`] : [];
  });
}
