/** What a page says above its curves: with which numbers is trained, on which pictures, on which device. */
import type { DataSet } from "../../runtime/node/data/index.ts";
import type { OpenedDevice } from "../../runtime/node/device.ts";
import type { OpenedModel } from "../model.ts";
import type { RunRecord } from "../training/checkpoints.ts";

export function factsOf(record: RunRecord, model: OpenedModel, { adapter }: OpenedDevice, data: DataSet): string[] {
  const [, channels, height, width] = model.inputShape;
  const numbers = [`input ${channels}×${height}×${width}`, `batch ${model.batch}`, `learning rate ${record.lr}`];
  if (record.momentum > 0) numbers.push(`momentum ${record.momentum}`);
  if (record.weightDecay > 0) numbers.push(`weight decay ${record.weightDecay}`);
  numbers.push(`seed ${record.seed}`);
  return [numbers.join(", "), data.description, adapter.name];
}
