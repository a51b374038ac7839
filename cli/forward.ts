/** A model made ready for inference on pictures: what `eval` and `predict` share. */

import { createSession, type Session } from "../runtime/session.ts";
import type { Weights } from "../runtime/weights.ts";
import { compileFor, openAdapter } from "./device.ts";
import type { OpenedModel } from "./model.ts";
import type { DeviceOptions, ModelOptions } from "./options.ts";

/** Opens the adapter, compiles the forward pass, loads the weights. `pictures` is the size of the largest. */
export async function openForward(
  model: OpenedModel,
  options: ModelOptions & DeviceOptions,
  weights: Weights | undefined,
  pictures: { height: number; width: number },
): Promise<Session> {
  const opened = await openAdapter(options, model);
  const artifact = await compileFor(model, opened, options, { entries: ["forward"] });
  return createSession(opened.device, artifact, { entries: ["forward"], weights, pictures });
}
