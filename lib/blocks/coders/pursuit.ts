/**
 * Matching pursuit: rows less a bias are decomposed greedily, one latent an iteration; encoder and decoder are one matrix.
 * What is left after the last pick is the residual, so that the way back through the picks has the gradients of
 * encoder, decoder and input in closed form. Source: architectures spec, section 7.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { createRows, onlyShard, type Rows } from "../../gpu/rows.ts";
import { centerRows } from "../../kernels/center_rows.ts";
import { createCodeByRow } from "../../kernels/code.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { createCount, siteWord } from "../../kernels/common.ts";
import { gatherRows } from "../../kernels/gather_rows.ts";
import { gradPicks } from "../../kernels/grad_picks.ts";
import { normGradient } from "../../kernels/norm_gradient.ts";
import { normaliseRows } from "../../kernels/normalise_rows.ts";
import { createPicks, type Picks } from "../../kernels/picks.ts";
import { pursuitBack } from "../../kernels/pursuit_back.ts";
import { pursuitFinish } from "../../kernels/pursuit_finish.ts";
import { roundUp } from "../../tensor/shards.ts";
import { type Coder, type Parameter, type Site, vectorOf, type Workspace } from "../types.ts";
import { gramForm, type PursuitStops, residualForm } from "./pursuit_forms.ts";
import { planPursuit, type PursuitPlan } from "./pursuit_plan.ts";

/** What a pursuit is made of. */
export interface PursuitOptions extends PursuitStops {
  /** [latents, d]: encoder and decoder. */
  readonly wDec: Parameter;
  /** The bias that is taken from the input. */
  readonly inputBias?: Parameter;
  /** Most picks of a row. */
  readonly iterations: number;
  /** Whether rows of `wDec` are divided by their lengths before they are used, with the gradient through it. */
  readonly normaliseOnAccess?: boolean;
  /** Whether `wDec` stays as it is: then `prepare` is wanted once. */
  readonly frozen?: boolean;
  /** A form; the cheaper one when absent. */
  readonly form?: PursuitPlan["form"];
}

/** A coder whose parts can be run apart. */
export interface PursuitCoder extends Coder {
  /** How it is computed. */
  readonly plan: PursuitPlan;
  /** The picks in their order. */
  readonly picks: Picks;
  /** Latents' rows as they are used: what decodes its code. */
  readonly rows: Rows;
  /** What is done whenever the parameters have changed; part of `forward`. */
  prepare(): Command[];
  /** From `space.x` to the code, after `prepare`. */
  pursue(): Command[];
}

/** Makes the coder. Its gradient of `wDec` is all there is: the decoder adds nothing to it. */
export function pursuitCoder(gpu: Gpu, space: Workspace, options: PursuitOptions): PursuitCoder {
  const { wDec, inputBias, iterations } = options;
  const { rows } = space;
  // Where no bias is taken from the input, the input itself is pursued.
  const start = inputBias ? space.centred : space.x;
  const [latents, d] = [wDec.value.rows, wDec.value.cols];
  const shape = { rows, d, latents, iterations, frozen: options.frozen ?? false };
  const plan = planPursuit(shape, gpu.facts, options.form ?? "auto");
  const w = options.normaliseOnAccess
    ? createRows(gpu, "rows of length 1", latents, d)
    : wDec.value;
  const picks = createPicks(gpu, rows, iterations);
  const code = createCodeByRow(gpu, rows, iterations);
  const left = createRows(gpu, "what is left", rows, d);
  const back = createRows(gpu, "what went back", rows, d);
  const context = { gpu, stops: options, w, start, left, picks, step: space.step };
  const form = plan.form === "gram" ? gramForm(context, plan) : residualForm(context);
  const scratch = createBuffer(gpu, rows * picks.capacity * 8, "sort scratch");

  const normalise = (): Command[] =>
    w === wDec.value ? [] : [
      ...wDec.value.shards.map(({ buffer }, i): Command => ({
        kind: "copy",
        from: buffer,
        fromOffset: 0,
        to: w.shards[i].buffer,
        toOffset: 0,
        size: buffer.size,
      })),
      ...normaliseRows.record(gpu, w, 1),
    ];
  const centre = inputBias
    ? [centerRows.record(gpu, {
      rows,
      d,
      x: onlyShard(space.x),
      bias: vectorOf(inputBias),
      centred: onlyShard(start),
    })]
    : [];
  const prepare = () => [...normalise(), ...form.prepare()];
  const pursue = () => [
    ...centre,
    ...form.pursue(),
    pursuitFinish.record(gpu, { picks, code, scratch }),
  ];
  return {
    scope: "row",
    candidates: "pursuit",
    parameters: [],
    state: [],
    codes: [{ code, weight: 1, trainsDecoder: true }],
    penalised: 0,
    plan,
    picks,
    rows: w,
    prepare,
    pursue,
    forward: () => [...prepare(), ...pursue()],
    backward: ([site]) => [
      ...wayBack(gpu, space, { plan, picks, w, before: left, back, site, grad: wDec.grad }),
      ...w === wDec.value ? [] : normGradient.record(gpu, { w: wDec.value, grad: wDec.grad }),
    ],
    inputGradient: (sum) =>
      columnSums.record(gpu, { shards: back.shards, stride: back.stride, sums: sum }),
  };
}

/** What the way back works on. */
interface WayBack {
  plan: PursuitPlan;
  picks: Picks;
  w: Rows;
  before: Rows;
  back: Rows;
  site: Site;
  grad: Rows;
}

/** Gradient of the latents' rows, and of the input through the picks; rows come in chunks that change no bits. */
function wayBack(gpu: Gpu, space: Workspace, way: WayBack): Command[] {
  const { plan, picks, w, site, grad } = way;
  const places = plan.shareRows * picks.capacity;
  const floats = (label: string, count: number) => createBuffer(gpu, count * 4, label);
  const shares = floats("shares of picks", places * roundUp(w.cols, 4));
  // A walk that crosses buffers would be one dispatch an iteration and buffer: rows are gathered instead.
  const direct = w.shards.length === 1;
  const list = direct ? undefined : {
    count: createCount(gpu, picks.rows * picks.capacity),
    bias: floats("no bias", w.rows),
    panelBias: floats("no bias of picks", places),
  };
  const firstRows = Array.from(
    { length: Math.ceil(picks.rows / plan.shareRows) },
    (_, i) => i * plan.shareRows,
  );
  return firstRows.flatMap((firstRow) => {
    const rows = Math.min(plan.shareRows, picks.rows - firstRow);
    return [
      ...list
        ? gatherRows.record(gpu, {
          list: picks.latents,
          first: firstRow * picks.capacity,
          width: rows * picks.capacity,
          w,
          panel: shares,
          ...list,
        })
        : [],
      pursuitBack.record(gpu, {
        picks,
        w: direct ? w : undefined,
        residual: site.residual,
        scalars: space.scalars,
        scaleWord: siteWord(site.index, "scale"),
        firstRow,
        rows,
        before: onlyShard(way.before),
        back: onlyShard(way.back),
        shares,
      }),
      ...gradPicks.record(gpu, { code: site.byLatent, picks, shares, firstRow, rows, grad }),
    ];
  });
}
