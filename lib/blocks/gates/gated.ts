/**
 * The gated coder: `u = c W_encᵀ`, `π = u + b_gate`, `q = e^r u + b_mag`, `f = 1[π > 0] ReLU(q)`.
 *
 * The step function passes no gradient, so the gate learns from a second code, ReLU(π): a penalty acts on it, and it has
 * a reconstruction loss of its own that leaves the decoder alone. Source: architectures spec, section 5.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard } from "../../gpu/rows.ts";
import { canCut, CODE_BUDGET, createRowLists, planCapacity } from "../../kernels/capacity.ts";
import { emitPanel, type SliceArgs } from "../../kernels/emit_panel.ts";
import { gatedGradient } from "../../kernels/gated_gradient.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import {
  type Coder,
  createParameter,
  gradOf,
  type Parameter,
  type ScoreEncoder,
  type Site,
  vectorOf,
  type Workspace,
} from "../types.ts";
import { countCutRows, emitPanels } from "./emit.ts";

/** Names of the parameters that a gated coder has in place of the encoder's bias. */
export const GATED_PARAMETERS = ["r_mag", "b_gate", "b_mag"] as const;

/**
 * Makes the coder. The encoder's own bias stays zero and is not trained; the place of its gradient holds the sum of the
 * derivatives by u.
 * @throws RangeError for an encoder that does not look at one input with one row a latent
 */
export function gatedCoder(gpu: Gpu, space: Workspace, encoder: ScoreEncoder): Coder {
  const { latentRows } = encoder;
  if (!latentRows) throw new RangeError("Cannot gate this encoder: a dense one is needed");
  const { w, b } = latentRows;
  const { rows, scalars, centred } = space;
  const latents = w.value.rows;
  const plan = planCapacity(rows, latents, gpu.facts, CODE_BUDGET / 2);
  const lists = createRowLists(gpu, rows, plan);
  const gates = createRowLists(gpu, rows, plan);
  const gateParameters = GATED_PARAMETERS.map((name) =>
    createParameter(gpu, name, 1, latents, { decays: false })
  );
  const [rMag, bGate, bMag] = gateParameters;
  const { stride } = rMag.value;
  const params = createBuffer(gpu, stride * 3 * 4, "gate parameters");
  const rule = { kind: "gated", params, stride } as const;
  const emit = (slice: SliceArgs) =>
    emitPanel.recordPair(gpu, { ...slice, lists, second: gates, rule });
  // From dz of a placed code to W_enc, and their sums by latent to `gradBias`.
  const toEncoder = (site: Site, to: Parameter, add: boolean) =>
    gradLatents.record(gpu, {
      code: site.byLatent,
      weight: "dz",
      rows: encoder.loaded ?? onlyShard(centred),
      grad: w.grad,
      gradBias: gradOf(to),
      scalars,
      scaleWord: 0,
      add,
    });
  return {
    scope: "threshold",
    candidates: encoder.candidates,
    parameters: [...encoder.parameters.filter((p) => p !== b), ...gateParameters],
    state: [],
    codes: [
      { code: lists.code, weight: 1, trainsDecoder: true },
      { code: gates.code, weight: 1, trainsDecoder: false },
    ],
    penalised: 1,
    forward() {
      const { panels, finish } = emitPanels(gpu, [lists, gates], encoder.panels(), emit);
      return [
        ...gateParameters.map((p, i): Command => ({
          kind: "copy",
          from: vectorOf(p),
          fromOffset: 0,
          to: params,
          toOffset: i * stride * 4,
          size: stride * 4,
        })),
        ...encoder.prepare(),
        ...panels.flat(),
        ...finish,
        ...countCutRows(gpu, lists, scalars),
        ...countCutRows(gpu, gates, scalars, canCut(lists)),
      ];
    },
    backward: ([active, gate]) => [
      ...toEncoder(gate, bGate, false),
      {
        kind: "copy",
        from: gradOf(bGate),
        fromOffset: 0,
        to: gradOf(b),
        toOffset: 0,
        size: stride * 4,
      },
      gatedGradient.record(gpu, {
        code: active.byLatent,
        r: vectorOf(rMag),
        bMag: vectorOf(bMag),
        gradR: gradOf(rMag),
        gradMag: gradOf(bMag),
      }),
      ...toEncoder(active, b, true),
    ],
    inputGradient: encoder.inputGradient,
  };
}
