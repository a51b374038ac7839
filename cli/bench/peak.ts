/** What an adapter can do at most: independent fused multiply-adds, nothing read and nothing waited for. */

const accumulators = 12;
const unroll = 16;
const workgroupSize = 64;

/** Accumulators stay between 1 and 3: x -> x/2 + b has its fixed point at 2b, far from infinities and denormals. */
const wgsl = (): string => {
  const names = Array.from({ length: accumulators }, (_, i) => `a${i}`);
  const first = names.map((name, i) => `  var ${name} = f32(id.x % 7u) * 0.01 + 1.0 + ${i}.0 * 0.001;`);
  const round = names.map((name) => `    ${name} = fma(${name}, m, b);`).join("\n");
  return `
struct Parameters { rounds: u32, m: f32, b: f32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = parameters.m;
  let b = parameters.b;
${first.join("\n")}
  for (var i = 0u; i < parameters.rounds; i++) {
${Array.from({ length: unroll }, () => round).join("\n")}
  }
  result[id.x] = ${names.join(" + ")};
}`;
};

/** Rounds that make a run long enough to time, and short enough for a driver's patience. */
const wantedMs = 150;
const mostRounds = 1 << 20;

/**
 * The device's ceiling in GFLOP/s (a fused multiply-add is two), measured: 12 independent accumulators, unrolled 16
 * times, the best of several runs.
 */
export async function measurePeak(device: GPUDevice, software: boolean): Promise<number> {
  const workgroups = software ? 64 : 16384;
  const invocations = workgroups * workgroupSize;
  const parameters = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  const result = device.createBuffer({ size: invocations * 4, usage: GPUBufferUsage.STORAGE });
  const module = device.createShaderModule({ label: "peak", code: wgsl() });
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module, entryPoint: "main" },
  });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [
      { binding: 0, resource: { buffer: parameters } },
      { binding: 1, resource: { buffer: result } },
    ],
  });

  const time = async (rounds: number, expected = 0): Promise<number> => {
    const bytes = new DataView(new ArrayBuffer(16));
    bytes.setUint32(0, rounds, true);
    bytes.setFloat32(4, 0.5, true);
    bytes.setFloat32(8, 1, true);
    device.queue.writeBuffer(parameters, 0, bytes.buffer as ArrayBuffer);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(workgroups);
    pass.end();
    const commands = encoder.finish();
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    device.queue.submit([commands]);
    // Asking polls without pause, which takes a core from a software driver; so not before it should nearly be done.
    if (software) await new Promise((resolve) => setTimeout(resolve, 0.8 * expected));
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };

  try {
    await time(1); // drivers compile at the first dispatch
    let rounds = 16;
    let best = await time(rounds);
    while (rounds < mostRounds && best < wantedMs) {
      rounds *= 2;
      best = await time(rounds, best);
    }
    for (let i = 0; i < 5; i++) best = Math.min(best, await time(rounds, best));
    return (2 * accumulators * unroll * rounds * invocations) / (best * 1e6);
  } finally {
    parameters.destroy();
    result.destroy();
  }
}
