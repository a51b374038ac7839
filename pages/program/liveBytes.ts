/** How many bytes are alive at each dispatch. */
import type { Report } from "../../cli/report/data.ts";

/** Of the arena; a value that is written in the place of one that dies there counts once, as it does in the lower bound. */
export function liveBytes({ values, steps }: Report): number[] {
  const change = new Array<number>(steps.length + 1).fill(0);
  const placed = values.flatMap(({ buffer, texture }) =>
    buffer ? [buffer] : texture ? [{ ...texture, offset: -1 }] : [],
  );
  for (const { start, end, size, offset } of placed) {
    const shared = placed.find(
      (other) => offset >= 0 && other.offset === offset && other.end === start + 1 && other.start < start,
    );
    change[shared ? start + 1 : start] += size;
    change[end] -= size;
  }
  let live = 0;
  return steps.map((_, i) => {
    live += change[i];
    return live;
  });
}
