/**
 * Finds out by compiling and running whether subgroup operations work and how many lanes there are.
 * @module
 */

const BODY = `
@group(0) @binding(0) var<storage, read_write> answer: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32, @builtin(subgroup_size) size: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
  let fromThird = subgroupBroadcast(i * 7u, 3u);
  answer[i * 3u] = size;
  answer[i * 3u + 1u] = lane;
  answer[i * 3u + 2u] = fromThird;
}`;

/**
 * Lanes of a subgroup, or 0 when subgroup operations do not compile, differ in size, or lay out lanes in an unusual way.
 * naga refuses `enable subgroups;`, browsers need it: both forms are tried.
 */
export async function probeSubgroups(
  device: GPUDevice,
): Promise<{ size: number; directive: boolean }> {
  for (const directive of [false, true]) {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({
      code: (directive ? "enable subgroups;\n" : "") + BODY,
    });
    const pipeline = device.createComputePipeline({
      layout: "auto",
      compute: { module, entryPoint: "main" },
    });
    if (await device.popErrorScope()) continue;
    const answer = await runProbe(device, pipeline);
    const size = answer[0];
    const linear = answer.every((v, j) => {
      const i = Math.floor(j / 3);
      if (j % 3 === 0) return v === size;
      if (j % 3 === 1) return v === i % size;
      return v === (i - i % size + 3) * 7;
    });
    return linear && size >= 4 ? { size, directive } : { size: 0, directive: false };
  }
  return { size: 0, directive: false };
}

async function runProbe(device: GPUDevice, pipeline: GPUComputePipeline): Promise<Uint32Array> {
  const size = 64 * 3 * 4;
  const data = device.createBuffer({
    size,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
  });
  const host = device.createBuffer({
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: data } }],
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(data, 0, host, 0, size);
  device.queue.submit([encoder.finish()]);
  await host.mapAsync(GPUMapMode.READ);
  const answer = new Uint32Array(host.getMappedRange().slice(0));
  host.unmap();
  data.destroy();
  host.destroy();
  return answer;
}
