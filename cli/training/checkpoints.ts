/** The folder of `--checkpoint`: checkpoints, the artifact that wrote them, and how the run was started. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { artifactHash } from "../../runtime/artifact.ts";
import { isArtifact, readArtifact, writeArtifact } from "../../runtime/node/artifacts.ts";
import {
  listCheckpoints,
  prepareCheckpoints,
  readNewestCheckpoint,
  writeCheckpoint,
} from "../../runtime/node/checkpoints.ts";
import { fileError, writeFileAtomically } from "../../runtime/node/files.ts";
import { KilnError } from "../../runtime/program/error.ts";
import type { Artifact } from "../../runtime/program/schema.ts";
import type { Checkpoint } from "../../runtime/trainer.ts";

/** What a resumed run does as before unless told otherwise. */
export interface RunRecord {
  readonly data: string;
  /** What the data turned out to be. */
  readonly dataDescription: string;
  readonly seed: number;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly epochs?: number;
  readonly steps?: number;
  readonly evalLimit?: number;
}

export const artifactFolder = (folder: string): string => join(folder, "artifact");
const recordFile = (folder: string): string => join(folder, "run.json");

/** What a run left in its folder. */
export interface KeptRun {
  readonly artifact: Artifact;
  readonly record: RunRecord | null;
  /** Null where it ended before its first checkpoint. */
  readonly newest: {
    readonly path: string;
    readonly checkpoint: Checkpoint;
    readonly skipped: readonly string[];
  } | null;
}

/** What `--resume` finds; null where the folder is empty or absent. Throws KilnError where something is amiss. */
export async function readKeptRun(folder: string): Promise<KeptRun | null> {
  const checkpoints = await listCheckpoints(folder);
  if (!(await isArtifact(artifactFolder(folder)))) {
    if (checkpoints.length === 0) return null;
    throw new KilnError(
      "file",
      `${folder} holds checkpoints, but not the artifact that wrote them (${artifactFolder(folder)}), without which they ` +
        "cannot be continued bit for bit. To train on from their weights: --weights FOLDER and another --checkpoint.",
    );
  }
  const artifact = await readArtifact(artifactFolder(folder));
  const identity = { program: artifact.program, artifactHash: await artifactHash(artifact) };
  return { artifact, record: await readRecord(folder), newest: await readNewestCheckpoint(folder, identity) };
}

async function readRecord(folder: string): Promise<RunRecord | null> {
  const path = recordFile(folder);
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause instanceof SyntaxError
      ? new KilnError("file", `${path} is not JSON; remove it to go on with the options of the command line`, { cause })
      : fileError(path, "cannot be read", cause);
  }
}

/** Refuses to begin a run where another one's checkpoints lie; one that never got to a checkpoint has nothing to lose. */
export async function requireFresh(folder: string): Promise<void> {
  const [newest] = await listCheckpoints(folder);
  if (newest)
    throw new KilnError(
      "file",
      `${folder} holds a run already, at step ${newest.step}: go on with it, --resume, or name another folder`,
    );
}

/** Makes the folder ready; gives what writes checkpoints into it. */
export async function keepRun(
  folder: string,
  artifact: Artifact,
  record: RunRecord,
  isNew: boolean,
): Promise<(checkpoint: Checkpoint) => Promise<string>> {
  await prepareCheckpoints(folder);
  if (isNew) await writeArtifact(artifactFolder(folder), artifact);
  await writeFileAtomically(recordFile(folder), `${JSON.stringify(record, null, 2)}\n`);
  const identity = { program: artifact.program, artifactHash: await artifactHash(artifact) };
  return (checkpoint) => writeCheckpoint(folder, identity, checkpoint);
}
