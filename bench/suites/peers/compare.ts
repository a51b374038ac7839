/** Runs Kiln and its peers in turn, A B C A B C, and compares them round by round. */
import type { Job, Task } from "../../peers/protocol.ts";
import { type Spread, spread } from "../../statistics.ts";
import { kiln, type PeerDefinition } from "./definitions.ts";
import { PeerProcess, type Ran } from "./process.ts";

export interface PeerFigures {
  readonly name: string;
  readonly title: string;
  readonly task: Task;
  readonly batch: number;
  readonly versions: Readonly<Record<string, string>>;
  /** Milliseconds of every timed run, in the order of the rounds. */
  readonly times: readonly number[];
  readonly ms: Spread | null;
  /** Its time divided by Kiln's in the same round, at the same batch; null for Kiln itself. */
  readonly timesKiln: Spread | null;
  /** Losses of all steps, those of warming up first; none of a forward pass. */
  readonly losses: readonly number[];
  /** Greatest difference from what Kiln computed, relative to the greatest value. */
  readonly difference: number | null;
  /** Why there are no figures. */
  readonly remark: string | null;
}

interface Contestant {
  readonly definition: PeerDefinition;
  readonly batch: number;
  process: PeerProcess | null;
  versions: Readonly<Record<string, string>>;
  readonly runs: Ran[];
  remark: string | null;
}

export interface Comparison {
  readonly task: Task;
  readonly peers: readonly PeerFigures[];
}

export interface ComparisonOptions {
  readonly repeats: number;
  readonly peerLimit: number;
  batchOf(peer: PeerDefinition): number;
  jobOf(task: Task, batch: number): Job;
  say(line: string): void;
}

/** Rounds of one task over those who can do it; Kiln runs once for each batch that a peer has. */
export async function compareTask(
  task: Task,
  peers: readonly PeerDefinition[],
  options: ComparisonOptions,
): Promise<Comparison> {
  const { say } = options;
  const batches = new Set(peers.map((peer) => options.batchOf(peer)));
  if (batches.size === 0) batches.add(options.batchOf(kiln));
  const contestants = [...batches].flatMap((batch) =>
    [kiln, ...peers.filter((peer) => options.batchOf(peer) === batch)].map(
      (definition): Contestant => ({ definition, batch, process: null, versions: {}, runs: [], remark: null }),
    ),
  );
  try {
    for (const one of contestants) await prepare(one, task, options);
    for (let round = 0; round < options.repeats; round++)
      for (const one of contestants) {
        await attempt(one, async (process) => {
          one.runs.push(await process.run());
        });
        const ran = one.runs.at(-1);
        if (one.process && ran)
          say(
            `${task} ${round + 1}/${options.repeats}: ${one.definition.title}, batch ${one.batch}: ${ran.ms.toFixed(0)} ms`,
          );
      }
  } finally {
    for (const { process } of contestants) process?.end();
  }
  return { task, peers: contestants.map((one) => figures(one, contestants, task)) };
}

/** A peer that fails keeps its reason and is asked no more. */
async function attempt(one: Contestant, act: (process: PeerProcess) => Promise<void>): Promise<void> {
  if (!one.process) return;
  try {
    await act(one.process);
  } catch (error) {
    one.process.end();
    one.process = null;
    one.remark = (error as Error).message;
  }
}

async function prepare(one: Contestant, task: Task, options: ComparisonOptions): Promise<void> {
  const { definition, batch } = one;
  const refuse = (why: string) => {
    one.remark = why;
    options.say(`${task}: ${definition.title}: ${why}`);
  };
  if (!definition.tasks.includes(task)) return refuse(definition.without ?? `it has no ${task}`);
  const command = definition.command();
  if ("missing" in command) return refuse(command.missing);
  options.say(`${task}: ${definition.title} gets ready for batch ${batch}`);
  try {
    const { peer, versions } = await PeerProcess.start(command.args, options.jobOf(task, batch), options.peerLimit);
    one.process = peer;
    one.versions = versions;
    await attempt(one, async (process) => {
      for (let i = 0; i < definition.warmUps; i++) one.runs.push(await process.run());
    });
  } catch (error) {
    one.remark = (error as Error).message;
  }
  if (one.remark !== null) refuse(one.remark);
}

function figures(one: Contestant, all: readonly Contestant[], task: Task): PeerFigures {
  const { definition, batch, versions, remark } = one;
  const timed = (contestant: Contestant) =>
    contestant.remark === null ? contestant.runs.slice(contestant.definition.warmUps).map((run) => run.ms) : [];
  const base = all.find((other) => other.definition === kiln && other.batch === batch)!;
  const [times, kilnTimes] = [timed(one), timed(base)];
  const ratios = one === base ? [] : times.flatMap((ms, round) => (kilnTimes[round] ? [ms / kilnTimes[round]] : []));
  return {
    name: definition.name,
    title: definition.title,
    task,
    batch,
    versions,
    times,
    ms: times.length > 0 ? spread(times) : null,
    timesKiln: ratios.length > 0 ? spread(ratios) : null,
    losses: task === "step" ? one.runs.map((run) => run.values[0]) : [],
    difference: one === base ? null : difference(one.runs, base.runs, task),
    remark,
  };
}

/** Of the outputs of the first run; of the losses of all steps that both made, since each step learns. */
function difference(runs: readonly Ran[], baseRuns: readonly Ran[], task: Task): number | null {
  const valuesOf = (list: readonly Ran[]) =>
    task === "step" ? list.map((run) => run.values[0]) : (list[0]?.values ?? []);
  const [values, base] = [valuesOf(runs), valuesOf(baseRuns)];
  const count = Math.min(values.length, base.length);
  if (count === 0) return null;
  if (task === "forward" && values.length !== base.length) return Number.POSITIVE_INFINITY;
  let [most, scale] = [0, 0];
  for (let i = 0; i < count; i++) {
    most = Math.max(most, Math.abs(values[i] - base[i]));
    scale = Math.max(scale, Math.abs(base[i]));
  }
  return most / scale;
}
