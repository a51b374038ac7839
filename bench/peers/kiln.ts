/** Kiln itself, measured as its peers are. */
import { readFileSync } from "node:fs";
import { assemble, compile, formatDiagnostics } from "../../compiler/index.ts";
import { openDevice } from "../../runtime/node/device.ts";
import { f32 } from "../../runtime/program/safetensors.ts";
import { createSession } from "../../runtime/session.ts";
import { type Job, type Peer, serve } from "./protocol.ts";
import { readTensors } from "./tensors.ts";

async function prepare(job: Job): Promise<Peer> {
  const { task } = job;
  const { device, target } = await openDevice({ adapter: job.adapter });
  const read = (path: string) => readFileSync(path, "utf8");
  const { artifact, diagnostics } = compile(
    { path: job.model, read },
    {
      target,
      batch: job.batch,
      settings: job.settings,
      algorithm: job.algorithm,
      mode: task === "step" ? "train" : "infer",
      entries: [task],
    },
  );
  if (!artifact) throw new Error(formatDiagnostics(diagnostics));
  const { weights, input, labels } = readTensors(job);
  const given = new Map([...weights].map(([name, { shape, data }]) => [name, f32(shape, data)]));
  const session = await createSession(device, await assemble(artifact), { entries: [task], weights: given });
  session.writeInput(task, "input", input.data);
  if (task === "step") {
    session.writeLabels(labels);
    session.setUniforms({ lr: job.learningRate });
  }
  let step = 0;
  return {
    versions: { kiln: artifact.program.compiler.replace("kiln ", "") },
    run: async () => {
      if (task === "step") return [await (await session.submitStep({ step: ++step })).loss];
      await session.run("forward");
      return session.readOutput("forward", "output");
    },
  };
}

await serve(prepare);
