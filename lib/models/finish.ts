/**
 * The end of every training step: projection, clipping, metrics. Order: backward, project, clip (architectures spec, 0.4).
 * @module
 */
import type { Parameter, RingField, Workspace } from "../blocks/types.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import type { CodeByLatent } from "../kernels/code.ts";
import { columnSums, type ColumnSumsArgs } from "../kernels/column_sums.ts";
import { projectRows } from "../kernels/project_rows.ts";
import { stepScalars } from "../kernels/step_scalars.ts";
import type { MetricsRing } from "./types.ts";

/** Floats of a parameter's place among the squares: a bound offset is a multiple of 256 bytes. */
const NORM_WORDS = 64;

/**
 * Projects the gradient of a parameter with unit rows.
 * @returns a matrix whose squares, or whose numbers where the projection squared them, add up to the squared length
 */
function projected(
  gpu: Gpu,
  { value, grad, unitRows }: Parameter,
): { commands: Command[]; matrix: Pick<ColumnSumsArgs, "shards" | "stride" | "squared"> } {
  if (!unitRows) {
    return { commands: [], matrix: { shards: grad.shards, stride: grad.stride, squared: true } };
  }
  const rows = Math.ceil(value.rows / 4);
  const squares = createBuffer(gpu, rows * 16, "squares of rows");
  return {
    commands: projectRows.record(gpu, { w: value, grad, squares }),
    matrix: { shards: [{ buffer: squares, rows, firstRow: 0 }], stride: 4 },
  };
}

/** Projects gradients of unit rows; squared lengths of the gradients of all parameters that count for clipping. */
function gradientSquares(
  gpu: Gpu,
  parameters: readonly Parameter[],
): { commands: Command[]; norms: GPUBuffer; normWords: number } {
  const counted = parameters.filter((p) => p.clipped);
  const normWords = Math.max(1, counted.length) * NORM_WORDS;
  const norms = createBuffer(gpu, normWords * 4, "squares of gradients");
  const commands = parameters.flatMap((parameter) => {
    const { commands, matrix } = projected(gpu, parameter);
    const place = counted.indexOf(parameter);
    if (place < 0) return commands;
    const sums = createBuffer(gpu, matrix.stride * 4, "squares");
    return [
      ...commands,
      ...columnSums.record(gpu, { ...matrix, sums }),
      ...columnSums.record(gpu, {
        shards: [{ buffer: sums, rows: matrix.stride / 4, firstRow: 0 }],
        stride: 4,
        sums: { buffer: norms, offset: place * NORM_WORDS * 4, size: NORM_WORDS * 4 },
      }),
    ];
  });
  return { commands, norms, normWords };
}

/** What the end of a step works on. */
export interface FinishOptions {
  /** All parameters, their gradients complete. */
  parameters: readonly Parameter[];
  /** Longest gradient; 0 for no clipping. */
  clipGradNorm: number;
  /** Sites in all. */
  sites: number;
  /** How many of the first sites are the model's reconstructions. */
  targets: number;
  /** Codes whose entries count as active latents. */
  codes: readonly CodeByLatent[];
  /** u32: word 0 is the number of dead latents. */
  deadCount: GPUBuffer;
  /** What is logged. */
  ring: MetricsRing;
}

/** Projects gradients of unit rows, makes the clip factor and a row of the metrics ring. */
export function finishStep(gpu: Gpu, space: Workspace, options: FinishOptions): Command[] {
  const { parameters, codes, ring } = options;
  const { commands, norms, normWords } = gradientSquares(gpu, parameters);
  const activeCounts = createBuffer(gpu, codes.length * 4, "entries");
  const fields = createBuffer(gpu, ring.fields.length * 4, "ring fields");
  gpu.device.queue.writeBuffer(fields, 0, Uint32Array.from(ring.fields, (f) => f.word));
  return [
    ...codes.map((byLatent, i): Command => ({
      kind: "copy",
      from: byLatent.offsets,
      fromOffset: byLatent.latents * 4,
      to: activeCounts,
      toOffset: i * 4,
      size: 4,
    })),
    ...commands,
    stepScalars.record(gpu, {
      limit: options.clipGradNorm,
      rows: space.rows,
      sites: options.sites,
      targets: options.targets,
      step: space.step,
      norms,
      normWords,
      activeCounts,
      counts: codes.length,
      deadCount: options.deadCount,
      deadPlace: 0,
      fields,
      fieldCount: ring.fields.length,
      scalars: space.scalars,
      ring: ring.buffer,
    }),
  ];
}

/** Makes a ring for these numbers. */
export function createRing(
  gpu: Gpu,
  slots: number,
  fields: readonly RingField[],
): MetricsRing {
  return { buffer: createBuffer(gpu, slots * fields.length * 4, "metrics ring"), fields, slots };
}
