/** What there is to tune in a model: its contractions, each once. */
import type { CompiledModel } from "../../compiler/artifact.ts";
import type { FusedProgram, Group } from "../../compiler/ir/fused.ts";
import type { CompiledEntry } from "../../compiler/pipeline.ts";
import { candidateChecksum } from "../../compiler/schedule/candidates.ts";
import type { Contraction } from "../../compiler/schedule/contraction.ts";
import { costModel } from "../../compiler/schedule/cost.ts";
import { contractionHash, contractionSize } from "../../compiler/schedule/identity.ts";
import { contractionOf } from "../../compiler/schedule/index.ts";
import type { Adapter, RecordKey } from "../../compiler/schedule/records.ts";
import { type ContractionSchedule, defaultSchedule, textureBytesOf } from "../../compiler/schedule/tile.ts";
import type { Target } from "../../runtime/program/schema.ts";
import { mainEntry } from "../mainEntry.ts";

export interface Subject {
  readonly key: RecordKey;
  /** The first kernel that is this contraction. */
  readonly kernel: string;
  /** rows x columns x terms */
  readonly size: string;
  readonly contraction: Contraction;
  readonly group: Group;
  readonly program: FusedProgram;
  /** What its operands in textures may take: as much as they like, unless the plan has cut what the default wanted. */
  readonly textureBytes: number;
  /** Dispatches of it in the main entry point, the step. */
  readonly uses: number;
  /** What its dispatches in all entry points should cost, by the model: a weight for sharing out time. */
  readonly weight: number;
}

/** The distinct contractions of a model's entry points, the dearest first. */
export function subjectsOf(model: CompiledModel, adapter: Adapter, target: Target): Subject[] {
  const main = mainEntry(model).entry;
  const found = new Map<string, Subject>();
  for (const entry of Object.values(model.entries)) {
    const uses = entry === main ? 1 : 0;
    for (const group of entry.fused.groups) {
      const contraction = contractionOf(group, entry.fused);
      if (!contraction) continue;
      const hash = contractionHash(contraction);
      const weight = costModel(contraction, target)(defaultSchedule(contraction, target)).time;
      const textureBytes = allowedTextures(contraction, target, entry, group);
      const known = found.get(hash);
      found.set(
        hash,
        known
          ? {
              ...known,
              uses: known.uses + uses,
              weight: known.weight + weight,
              textureBytes: Math.max(known.textureBytes, textureBytes),
            }
          : {
              key: { ...adapter, contraction: hash, candidates: candidateChecksum(contraction, target) },
              kernel: group.name,
              size: contractionSize(contraction),
              contraction,
              group,
              program: entry.fused,
              textureBytes,
              uses,
              weight,
            },
      );
    }
  }
  return [...found.values()].sort((x, y) => y.weight - x.weight);
}

function allowedTextures(c: Contraction, target: Target, { plan }: CompiledEntry, { name }: Group): number {
  const step = plan.dispatches.find(({ kernel }) => kernel?.name === name)!;
  const granted = textureBytesOf(c, step.kernel!.schedule as ContractionSchedule);
  return granted < textureBytesOf(c, defaultSchedule(c, target)) ? granted : Number.POSITIVE_INFINITY;
}
