/**
 * A list of dispatches that is built once and encoded every step; with timings a kernel on demand.
 * @module
 */
import { createBuffer, type Gpu } from "./device.ts";
import type { Dispatch } from "./kernel.ts";
import { encodeTexels, type TexelCopy } from "./texel_types.ts";

/** Copies or clears between dispatches. */
export type Transfer =
  | { kind: "clear"; buffer: GPUBuffer; offset?: number; size?: number }
  | {
    kind: "copy";
    from: GPUBuffer;
    fromOffset: number;
    to: GPUBuffer;
    toOffset: number;
    size: number;
  }
  | TexelCopy;

/** One entry of a program. */
export type Command = Dispatch | Transfer;

/** Encodes commands, all dispatches between two transfers in one compute pass. */
export function encode(encoder: GPUCommandEncoder, commands: readonly Command[]): void {
  let pass: GPUComputePassEncoder | undefined;
  for (const command of commands) {
    if ("kind" in command) {
      pass?.end();
      pass = undefined;
      transfer(encoder, command);
    } else {
      pass ??= encoder.beginComputePass();
      dispatch(pass, command);
    }
  }
  pass?.end();
}

function transfer(encoder: GPUCommandEncoder, t: Transfer): void {
  if (t.kind === "clear") encoder.clearBuffer(t.buffer, t.offset ?? 0, t.size);
  else if (t.kind === "texels") encodeTexels(encoder, t);
  else encoder.copyBufferToBuffer(t.from, t.fromOffset, t.to, t.toOffset, t.size);
}

function dispatch(pass: GPUComputePassEncoder, command: Dispatch): void {
  pass.setPipeline(command.pipeline);
  pass.setBindGroup(0, command.bindGroup);
  if ("buffer" in command.groups) {
    pass.dispatchWorkgroupsIndirect(command.groups.buffer, command.groups.offset);
  } else {
    pass.dispatchWorkgroups(...command.groups);
  }
}

/** Encodes and submits commands. */
export function submit(gpu: Gpu, commands: readonly Command[]): void {
  const encoder = gpu.device.createCommandEncoder();
  encode(encoder, commands);
  gpu.device.queue.submit([encoder.finish()]);
}

/** Time of one kernel over all its dispatches of a program. */
export interface KernelTime {
  /** Kernel's name. */
  kernel: string;
  /** Dispatches. */
  count: number;
  /** Ticks of the timestamp query; nanoseconds on most adapters. */
  ticks: number;
}

/**
 * Runs a program once with a timestamp pair around every dispatch.
 * Timestamps are written at pass boundaries only, so every dispatch gets a pass of its own.
 * @returns sums by kernel, the longest first; an empty list where the adapter has no timestamps
 */
export async function timeKernels(gpu: Gpu, commands: readonly Command[]): Promise<KernelTime[]> {
  if (!gpu.facts.timestamps) return [];
  const dispatches = commands.filter((c): c is Dispatch => !("kind" in c));
  const chunk = 1024;
  const sums = new Map<string, KernelTime>();
  const encoder = gpu.device.createCommandEncoder();
  const querySets: GPUQuerySet[] = [];
  const bytes = dispatches.length * 16;
  const resolved = createBuffer(
    gpu,
    Math.max(bytes, 256),
    "timestamps",
    GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  );
  const host = createBuffer(
    gpu,
    Math.max(bytes, 256),
    "timestamps read",
    GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  );
  let index = 0;
  for (const command of commands) {
    if ("kind" in command) {
      transfer(encoder, command);
      continue;
    }
    if (index % chunk === 0) {
      const count = Math.min(chunk, dispatches.length - index) * 2;
      querySets.push(gpu.device.createQuerySet({ type: "timestamp", count }));
    }
    const slot = (index % chunk) * 2;
    const pass = encoder.beginComputePass({
      timestampWrites: {
        querySet: querySets[querySets.length - 1],
        beginningOfPassWriteIndex: slot,
        endOfPassWriteIndex: slot + 1,
      },
    });
    dispatch(pass, command);
    pass.end();
    index++;
  }
  querySets.forEach((set, i) =>
    encoder.resolveQuerySet(set, 0, set.count, resolved, i * chunk * 16)
  );
  encoder.copyBufferToBuffer(resolved, 0, host, 0, host.size);
  gpu.device.queue.submit([encoder.finish()]);
  await host.mapAsync(GPUMapMode.READ);
  const times = new BigUint64Array(host.getMappedRange().slice(0));
  host.unmap();
  dispatches.forEach((d, i) => {
    const entry = sums.get(d.kernel) ?? { kernel: d.kernel, count: 0, ticks: 0 };
    entry.count++;
    entry.ticks += Number(times[2 * i + 1] - times[2 * i]);
    sums.set(d.kernel, entry);
  });
  for (const set of querySets) set.destroy();
  resolved.destroy();
  host.destroy();
  gpu.memory.bytes -= resolved.size + host.size;
  return [...sums.values()].sort((a, b) => b.ticks - a.ticks);
}
