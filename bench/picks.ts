/**
 * Picks of a matching pursuit for benches: those of the stage's code, in the order of their latents.
 * @module
 */
import { createPicks, type Picks } from "../lib/kernels/picks.ts";
import type { Stage } from "./stage.ts";
import type { TrainShape } from "./types.ts";

/** Full lists of picks, every one at home. */
export function benchPicks(stage: Stage, shape: TrainShape): Picks {
  const { gpu } = stage;
  const { rows, k } = shape;
  const { latents, values } = stage.code(shape);
  const picks = createPicks(gpu, rows, k);
  const { capacity } = picks;
  const bits = new Uint32Array(values.slice().buffer);
  const lists = {
    latents: new Uint32Array(rows * capacity),
    values: new Uint32Array(rows * capacity),
  };
  const order = new Uint32Array(rows * capacity * 4);
  for (let r = 0; r < rows; r++) {
    for (let t = 0; t < k; t++) {
      const [from, to] = [r * k + t, r * capacity + t];
      lists.latents[to] = latents[from];
      lists.values[to] = bits[from];
      order.set([latents[from], bits[from], t, t], 4 * to);
    }
  }
  gpu.device.queue.writeBuffer(picks.latents, 0, lists.latents);
  gpu.device.queue.writeBuffer(picks.values, 0, lists.values);
  gpu.device.queue.writeBuffer(picks.order, 0, order);
  return picks;
}
