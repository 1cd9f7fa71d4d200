/** The reference forward pass of any record. */
import type { TrainedRecord } from "../../lib/models/record.ts";
import { forwardLayers } from "../../lib/reference/forward_layers.ts";
import { forwardLorsa } from "../../lib/reference/forward_lorsa.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";

/** Dense latents of all layers, and the reconstruction of every target. */
export interface Forward {
  latents: Float64Array;
  recon: Float64Array[];
}

/** Runs a record on its inputs (the targets that may follow are not looked at). */
export function forwardOf(record: TrainedRecord, points: readonly Float32Array[]): Forward {
  if (record.kind === "clt") {
    const { latents, reconstructions } = forwardLayers(record, points);
    return { latents, recon: reconstructions };
  }
  const { latents, reconstruction } = record.kind === "lorsa"
    ? forwardLorsa(record, points[0])
    : forwardRecord(record, points[0]);
  return { latents, recon: [reconstruction] };
}
