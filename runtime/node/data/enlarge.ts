import type { Picture } from "./decode.ts";

/** Enlarges as the device resizes: bilinear with half-pixel centres. (libvips enlarges half a pixel off to one side.) */
export function enlarge({ height, width, channels, bytes }: Picture, toHeight: number, toWidth: number): Picture {
  if (height === toHeight && width === toWidth) return { height, width, channels, bytes };
  const rows = taps(height, toHeight);
  const columns = taps(width, toWidth);
  const out = new Uint8Array(toHeight * toWidth * channels);
  let to = 0;
  for (const [top, bottom, down] of rows)
    for (const [left, right, across] of columns)
      for (let channel = 0; channel < channels; channel++) {
        const at = (row: number, column: number) => bytes[(row * width + column) * channels + channel];
        const above = at(top, left) + across * (at(top, right) - at(top, left));
        const below = at(bottom, left) + across * (at(bottom, right) - at(bottom, left));
        out[to++] = Math.floor(above + down * (below - above) + 0.5);
      }
  return { height: toHeight, width: toWidth, channels, bytes: out };
}

/** For each of `to` places along an axis of length `from`: the two neighbours, and how far it is on to the second. */
function taps(from: number, to: number): [number, number, number][] {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const first = Math.min(Math.floor(place), from - 1);
    return [first, Math.min(first + 1, from - 1), place - first];
  });
}
