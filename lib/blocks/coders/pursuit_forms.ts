/**
 * The two forms of a matching pursuit, from rows to picks. They pick the same but for scores that are equal to within
 * rounding. Source: architectures spec, section 7.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Dispatch } from "../../gpu/kernel.ts";
import type { Command } from "../../gpu/program.ts";
import { createRows, onlyShard, type Rows } from "../../gpu/rows.ts";
import { createTexelRows, type TexelRows } from "../../gpu/texels.ts";
import { argmaxMerge } from "../../kernels/argmax_merge.ts";
import { STEP } from "../../kernels/common.ts";
import { encodeGemm, PANEL_UNIT } from "../../kernels/encode_gemm.ts";
import { gramRows } from "../../kernels/gram_rows.ts";
import { matmul } from "../../kernels/matmul.ts";
import type { Picks } from "../../kernels/picks.ts";
import { planIndirect } from "../../kernels/plan_indirect.ts";
import { pursuitStep } from "../../kernels/pursuit_step.ts";
import { pursuitUpdate } from "../../kernels/pursuit_update.ts";
import { roundUp } from "../../tensor/shards.ts";
import type { PursuitPlan } from "./pursuit_plan.ts";

/** When rows stop. */
export interface PursuitStops {
  /** `static`: after word k of `step` picks. `dynamic`: by the rules below, or after the most picks there is room for. */
  readonly mode: "static" | "dynamic";
  /** A row stops when its residual is shorter, after the pick; 0 for never. */
  readonly residualThreshold: number;
  /** Whether a row stops when a pick leaves its set of latents as it was; the pick is kept. */
  readonly stopOnDuplicateSupport: boolean;
  /** Whether only positive scores are picked. */
  readonly relu: boolean;
}

/** What a form works on. */
export interface FormContext {
  /** The device. */
  gpu: Gpu;
  /** When rows stop. */
  stops: PursuitStops;
  /** Latents' rows [latents, d]. */
  w: Rows;
  /** f32 [rows, d]: rows less the bias. */
  start: Rows;
  /** f32 [rows, d]: what is left of them, where a form needs it. */
  left: Rows;
  /** The picks. */
  picks: Picks;
  /** The buffer `step`. */
  step: GPUBuffer;
}

/** A form. */
export interface PursuitForm {
  /** What is done whenever the latents' rows have changed. */
  prepare(): Command[];
  /** From rows to picks. */
  pursue(): Command[];
}

/** Latents of a panel at most, as the dense encoder has them. */
const PANEL = 1024;

/** Rows [first, first + rows) of a matrix in one buffer. */
function part(matrix: Rows, first: number, rows: number): Rows {
  const shard = { buffer: onlyShard(matrix), firstRow: -first, rows: first + rows };
  return { ...matrix, rows, shards: [shard] };
}

/** Forgets the picks of the batch before. */
function forget({ picks }: FormContext): Command[] {
  return [{ kind: "clear", buffer: picks.values }, { kind: "clear", buffer: picks.done }];
}

function copyRows(source: Rows, target: Rows): Command {
  const size = source.rows * source.stride * 4;
  const [from, to] = [onlyShard(source), onlyShard(target)];
  return { kind: "copy", from, fromOffset: 0, to, toOffset: 0, size };
}

/** The products of all pairs of latents, where the device reads them best, and what makes them. */
function productsOf(gpu: Gpu, w: Rows): { gram: Rows | TexelRows; commands: Command[] } {
  if (gramRows.plan(gpu.facts, { rows: w.rows, d: w.cols })) {
    const gram = createTexelRows(gpu, "W Wᵀ", w.rows, w.rows);
    return { gram, commands: gramRows.record(gpu, { w, gram }) };
  }
  const gram = createRows(gpu, "W Wᵀ", w.rows, w.rows);
  return {
    gram,
    commands: matmul.record(gpu, { label: "W Wᵀ", transB: true, a: w, b: w, c: gram }),
  };
}

/** Scores once, then multiples of rows of W Wᵀ are taken from them. */
export function gramForm(context: FormContext, plan: PursuitPlan): PursuitForm {
  const { gpu, stops, w, start, left, picks, step } = context;
  const { gram, commands } = productsOf(gpu, w);
  const stride = roundUp(w.rows, 4);
  const scores = createBuffer(gpu, plan.scoreRows * stride * 4, "scores of all latents");
  const running = createBuffer(gpu, picks.iterations * 4, "running rows");
  const dynamic = stops.mode === "dynamic";
  const update = updates(context, running);
  const chunk = (firstRow: number): Command[] => {
    const rows = Math.min(plan.scoreRows, picks.rows - firstRow);
    const shard = { buffer: scores, firstRow: 0, rows };
    const steps = (begin: number, end: number, gives: "picks" | "best") =>
      pursuitStep.record(gpu, {
        picks,
        gram,
        scores,
        firstRow,
        rows,
        step,
        begin,
        end,
        gives,
        relu: stops.relu,
        limited: !dynamic,
      });
    return [
      ...matmul.record(gpu, {
        label: "scores",
        transB: true,
        a: part(start, firstRow, rows),
        b: w,
        c: { label: "scores", rows, cols: w.rows, stride, shards: [shard] },
      }),
      ...dynamic
        ? iterations(picks).flatMap((t) => [
          ...steps(t, t + 1, "best"),
          ...update(t, firstRow, rows),
        ])
        : steps(0, picks.iterations, "picks"),
    ];
  };
  const firstRows = Array.from(
    { length: Math.ceil(picks.rows / plan.scoreRows) },
    (_, i) => i * plan.scoreRows,
  );
  return {
    prepare: () => commands,
    pursue: () => [
      ...forget(context),
      ...dynamic ? [copyRows(start, left)] : [],
      ...firstRows.flatMap(chunk),
    ],
  };
}

/** Scores what is left in every iteration. Iterations that no row needs cost nothing. */
export function residualForm(context: FormContext): PursuitForm {
  const { gpu, stops, w, start, left, picks, step } = context;
  const { rows, iterations: most } = picks;
  const running = createBuffer(gpu, most * 4, "running rows");
  const noBias = onlyShard(createRows(gpu, "no bias", 1, w.rows));
  const panel = panelOf(rows, w.rows, gpu.facts.maxBindingBytes);
  const scores = createBuffer(gpu, roundUp(rows, PANEL_UNIT) * panel * 4, "scores");
  const update = updates(context, running);
  const shape = { rows, latents: panel, d: w.cols };
  const x = encodeGemm.load(gpu, onlyShard(left), rows, shape);
  const table = w.shards.map((shard) => encodeGemm.load(gpu, shard.buffer, shard.rows, shape));
  const score = (s: number, first: number): Command[] => {
    const shard = w.shards[s];
    const latents = Math.min(panel, shard.rows - first);
    const firstLatent = shard.firstRow + first;
    return [
      ...encodeGemm.record(gpu, {
        rows,
        latents,
        d: w.cols,
        x: x.rows,
        w: table[s].rows,
        firstLatent: first,
        bias: noBias,
        firstBias: firstLatent,
        scores,
        panel,
      }),
      argmaxMerge.record(gpu, {
        rows,
        scores,
        panel,
        firstLatent,
        latents: firstLatent + latents,
        best: picks.best,
      }),
    ];
  };
  const iteration = (t: number): Command[] => [
    ...x.commands,
    ...w.shards.flatMap((shard, s) =>
      Array.from({ length: Math.ceil(shard.rows / panel) }, (_, i) => score(s, i * panel))
    ).flat(),
    ...update(t, 0, rows),
  ];
  const guarded = (t: number, above: number) =>
    iteration(t).map((c) => "kind" in c ? c : { dispatch: c, above });
  const all = iterations(picks);
  return {
    prepare: () => table.flatMap(({ commands }) => commands),
    pursue: () => [
      ...forget(context),
      { kind: "clear", buffer: running },
      copyRows(start, left),
      ...stops.mode === "static"
        ? planIndirect.record(gpu, step, STEP.k, all.flatMap((t) => guarded(t, t)))
        : all.flatMap((t) =>
          t === 0 ? iteration(t) : planIndirect.record(gpu, running, t - 1, guarded(t, 0))
        ),
    ],
  };
}

function iterations({ iterations: most }: Picks): number[] {
  return Array.from({ length: most }, (_, t) => t);
}

/** Latents of a panel: all of them, or what PANEL and one binding allow. */
function panelOf(rows: number, latents: number, maxBindingBytes: number): number {
  const rowBytes = roundUp(rows, PANEL_UNIT) * 4;
  const bound = Math.floor(maxBindingBytes / rowBytes / PANEL_UNIT) * PANEL_UNIT;
  return Math.min(PANEL, Math.max(PANEL_UNIT, bound), roundUp(latents, PANEL_UNIT));
}

/** Takes the best of some rows from what is left of them. */
function updates({ gpu, stops, w, left, picks }: FormContext, running: GPUBuffer) {
  const dynamic = stops.mode === "dynamic";
  return (t: number, firstRow: number, rows: number): Dispatch[] =>
    pursuitUpdate.record(gpu, {
      picks,
      w,
      residual: onlyShard(left),
      firstRow,
      rows,
      t,
      relu: stops.relu,
      threshold: dynamic ? stops.residualThreshold : 0,
      stopOnDuplicates: dynamic && stops.stopOnDuplicateSupport,
      running,
    });
}
