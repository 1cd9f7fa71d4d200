/**
 * What a model needs only as long as it is trained.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { destroyRows } from "../gpu/rows.ts";
import type { TrainableModel } from "../models/types.ts";

/** Frees gradients and moments; no step may follow. */
export function freeTraining(gpu: Gpu, { parameters, optimizerState }: TrainableModel): void {
  for (const { value, grad } of parameters) if (grad !== value) destroyRows(gpu, grad);
  for (const { rows } of optimizerState) destroyRows(gpu, rows);
}
