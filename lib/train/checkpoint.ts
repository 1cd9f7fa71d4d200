/**
 * Checkpoints: everything that a run needs to go on as if it had never stopped, written whole or not at all.
 *
 * `checkpoints/step-00001000/` holds `state.safetensors` (parameters, moments, counters) and `state.json` (step, hashes,
 * factors of the input). A resumed run ends in the same bits, since batches are a pure function of the step.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { readSlices } from "../gpu/readback.ts";
import { readRows, type Rows, writeRows } from "../gpu/rows.ts";
import { removeFolder, writeFolderAtomic, writeJson } from "../files/atomic.ts";
import { readJson } from "../files/documents.ts";
import { SafetensorsFile } from "../files/safetensors.ts";
import { type TensorInput, writeSafetensors } from "../files/safetensors_write.ts";
import type { TrainableModel } from "../models/types.ts";
import { type OneScale, scalesOf } from "./manifest.ts";

/** What `state.json` says. */
export interface CheckpointState {
  /** Steps done. */
  step: number;
  /** Factors of the points of a batch: inputs, then targets. */
  input_scales: number[];
  /** SHA-256 of state.safetensors: equal bits, equal hash. */
  sha256: string;
  /** SHA-256 of the resolved configuration that the run was started with. */
  config_sha256: string;
}

/** File of a checkpoint's tensors. */
export const TENSORS = "state.safetensors";
const STATE = "state.json";

/** Matrices of a checkpoint in a fixed order. */
function matrices(model: TrainableModel): { name: string; rows: Rows }[] {
  return [
    ...model.parameters.map(({ name, value }) => ({ name, rows: value })),
    ...model.optimizerState,
  ];
}

/** Folder of a step's checkpoint. */
export function checkpointPath(run: string, step: number): string {
  return join(run, "checkpoints", `step-${String(step).padStart(8, "0")}`);
}

/** Writes a checkpoint; waits until the device has done all submitted steps. */
export async function saveCheckpoint(
  run: string,
  gpu: Gpu,
  model: TrainableModel,
  state: Omit<CheckpointState, "sha256">,
): Promise<CheckpointState> {
  return await writeFolderAtomic(checkpointPath(run, state.step), async (folder) => {
    const tensors: TensorInput[] = matrices(model).map(({ name, rows }) => ({
      name,
      dtype: "F32",
      shape: rows.rows === 1 ? [rows.cols] : [rows.rows, rows.cols],
      chunks: chunksOf(gpu, rows),
    }));
    for (const { name, buffer, words } of model.state) {
      const [bytes] = await readSlices(gpu, [{ buffer, size: words * 4 }]);
      tensors.push({ name, data: new Uint32Array(bytes), shape: [words] });
    }
    const { sha256 } = await writeSafetensors(join(folder, TENSORS), tensors);
    const whole = { ...state, sha256 };
    await writeJson(join(folder, STATE), whole);
    return whole;
  });
}

/** One matrix as a single piece, read when its turn comes: one matrix at a time is in memory. */
async function* chunksOf(gpu: Gpu, rows: Rows): AsyncGenerator<Float32Array<ArrayBuffer>> {
  yield await readRows(gpu, rows) as Float32Array<ArrayBuffer>;
}

/** Steps of the checkpoints of a run, ascending; none when there is no folder. */
export async function checkpointSteps(run: string): Promise<number[]> {
  const steps: number[] = [];
  try {
    for await (const entry of Deno.readDir(join(run, "checkpoints"))) {
      const match = entry.name.match(/^step-(\d+)$/);
      if (match) steps.push(Number(match[1]));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return steps.sort((a, b) => a - b);
}

/** What `state.json` of a step says, without loading anything. */
export async function readCheckpointState(run: string, step: number): Promise<CheckpointState> {
  const path = join(checkpointPath(run, step), STATE);
  const state = await readJson(path, "checkpoint") as Partial<CheckpointState> & OneScale;
  if (typeof state?.step !== "number" || scalesOf(state).length === 0) {
    throw new SdmError(`Cannot resume from "${path}": it is not the state of a checkpoint`);
  }
  return { ...state, input_scales: scalesOf(state) } as CheckpointState;
}

/**
 * Puts the tensors of a step's checkpoint on the device.
 * @throws SdmError when a tensor is missing or has another shape
 */
export async function loadCheckpoint(
  run: string,
  step: number,
  gpu: Gpu,
  model: TrainableModel,
): Promise<void> {
  using file = await SafetensorsFile.open(join(checkpointPath(run, step), TENSORS));
  const expect = (name: string, size: number) => {
    const found = file.has(name) ? file.info(name).shape.reduce((a, b) => a * b, 1) : undefined;
    if (found !== size) {
      throw new SdmError(
        `Cannot resume from "${file.path}": tensor "${name}" has ${found ?? "no"} elements, ` +
          `this configuration needs ${size}`,
      );
    }
  };
  for (const { name, rows } of matrices(model)) {
    expect(name, rows.rows * rows.cols);
    writeRows(gpu, rows, await file.readFloat32(name, {}));
  }
  for (const { name, buffer, words } of model.state) {
    expect(name, words);
    gpu.device.queue.writeBuffer(buffer, 0, await file.read(name, {}) as Uint32Array<ArrayBuffer>);
  }
}

/** Removes all checkpoints but the newest `keep`. */
export async function pruneCheckpoints(run: string, keep: number): Promise<void> {
  const steps = await checkpointSteps(run);
  for (const step of steps.slice(0, Math.max(0, steps.length - keep))) {
    await removeFolder(checkpointPath(run, step));
  }
}
