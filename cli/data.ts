/** Opens `--data` for a model, and says what it is. */
import type { DataSet } from "../runtime/node/data/index.ts";
import { formatBytes, KilnError } from "../runtime/program/error.ts";
import type { OpenedModel } from "./model.ts";
import { say } from "./output.ts";
import { Progress } from "./progress.ts";

export async function openDataFor(model: OpenedModel, spec: string, seed: number): Promise<DataSet> {
  if (model.classes === null)
    throw new KilnError(
      "data",
      `${model.name} has no classes; give \`classes\` in the model file: model({ input: ..., classes: 10 }, ...)`,
    );
  const { openData } = await import("../runtime/node/data/index.ts"); // not before: the decoder is large
  const [, channels, height, width] = model.inputShape;
  let progress: Progress | null = null;
  let activity: string | null = null;
  try {
    const data = await openData(spec, {
      classes: model.classes,
      channels,
      height,
      width,
      seed,
      onProgress: ({ activity: now, done, total, unit }) => {
        progress ??= new Progress();
        if (now !== activity) progress.begin(now, total, done);
        activity = now;
        progress.update(done, unit === "bytes" ? `${formatBytes(done)} of ${formatBytes(total)}` : unit);
      },
    });
    (progress as Progress | null)?.end();
    progress = null;
    for (const line of data.notice) say(line);
    say(`Pictures: ${data.description}`);
    return data;
  } finally {
    (progress as Progress | null)?.end();
  }
}
