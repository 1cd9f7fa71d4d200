/**
 * The cross-layer transcoder: the latents of every layer write to all layers from their own on.
 * Source: architectures spec, section 10.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { joinCoders } from "../blocks/coders/layers.ts";
import { type LayersDecoder, layersDecoder, type TargetLayer } from "../blocks/decoders/layers.ts";
import { countSite } from "../blocks/decoders/rows.ts";
import { denseEncoder } from "../blocks/encoders/dense.ts";
import { joinEncoders, localLatents } from "../blocks/encoders/layers.ts";
import { deadLatents } from "../blocks/losses/dead_latents.ts";
import { lossOptions } from "../blocks/losses/reconstruction.ts";
import { layersNorms } from "../blocks/norms/layers_norms.ts";
import {
  type Coder,
  createParameter,
  createSite,
  createWorkspace,
  type Parameter,
  type Penalty,
  type RingField,
  type ScoreEncoder,
  type Site,
  type Workspace,
} from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { placeEntries } from "../kernels/place_entries.ts";
import { RING_FIELDS, siteWord } from "../kernels/common.ts";
import { activationOf } from "./activations/mod.ts";
import type { PartsContext } from "./assembly.ts";
import { layeredStart } from "./clt_initial.ts";
import { createRing, finishStep } from "./finish.ts";
import { createOptimizer } from "./optimizer.ts";
import type { ActivationName, ModelFamily, ModelOptions, TrainableModel } from "./types.ts";

/** What a gate of a cross-layer transcoder selects in. Source: architectures spec, 10.4. */
const GATES: Partial<Record<ActivationName, { gate: ActivationName; scope: "layer" | "all" }>> = {
  topk: { gate: "topk", scope: "layer" },
  batchtopk: { gate: "batchtopk", scope: "layer" },
  layertopk: { gate: "topk", scope: "all" },
  batchlayertopk: { gate: "batchtopk", scope: "all" },
  relu: { gate: "relu", scope: "all" },
  jumprelu: { gate: "jumprelu", scope: "all" },
};

function gateOf({ activation }: ModelOptions) {
  const found = GATES[activation];
  if (!found) throw new RangeError(`Cannot gate several layers with "${activation}"`);
  return found;
}

/** Buffers of the layers' batches; `step` and `scalars` are shared. */
function workspaces(gpu: Gpu, { layers, rows, dIn, dOut, dSae }: ModelOptions): Workspace[] {
  const shape = { rows, dIn, dOut, dSae, separateTarget: true, inputBias: false };
  const first = createWorkspace(gpu, shape);
  const { step, scalars } = first;
  const rest = Array.from({ length: layers - 1 }, () => ({
    ...createWorkspace(gpu, shape),
    step,
    scalars,
  }));
  return [first, ...rest];
}

/** The code of all layers. */
function coderOf(
  gpu: Gpu,
  options: ModelOptions,
  spaces: readonly Workspace[],
  encoders: readonly ScoreEncoder[],
  decoders: readonly Parameter[],
): { coder: Coder; penalty?: Penalty; metrics: readonly RingField[] } {
  const { gate, scope } = gateOf(options);
  const { layers, dSae, dOut, rows } = options;
  const all = joinEncoders(encoders);
  const context = (l: number, latents: number): PartsContext => ({
    gpu,
    options: { ...options, activation: gate, dSae: latents },
    space: spaces[l],
    wDec: decoders[l],
    loss: lossOptions(options.loss, { rows, dOut }, options.targetVariance),
    norms: scope === "all" ? layersNorms(gpu, decoders) : undefined,
  });
  const activation = activationOf(gate);
  if (scope === "all") {
    const whole = context(layers - 1, layers * dSae);
    const coder = activation.coder(whole, all);
    const penalty = activation.penalty?.(whole, coder);
    return { coder, penalty, metrics: activation.metrics ?? [] };
  }
  if (options.gateByDecoderNorm) {
    throw new SdmError(
      `Cannot gate each layer by decoder norms with "${options.activation}": ` +
        "a gate over all layers is needed",
    );
  }
  const each = encoders.map((e, l) =>
    activation.coder(context(l, dSae), localLatents(e, l * dSae))
  );
  return { coder: joinCoders(gpu, each, all, dSae), metrics: [] };
}

function build(gpu: Gpu, options: ModelOptions): TrainableModel {
  const { layers, dIn, dOut, dSae, rows } = options;
  const all = layers * dSae;
  const spaces = workspaces(gpu, options);
  const [space] = spaces;
  const bEnc = createParameter(gpu, "b_enc", 1, all, { decays: false });
  const encoders: ScoreEncoder[] = [];
  for (let l = 0; l < layers; l++) {
    encoders.push(denseEncoder(gpu, spaces[l], {
      wEnc: createParameter(gpu, `W_enc_${l}`, dSae, dIn),
      bEnc,
      firstLatent: l * dSae,
      scores: encoders[0]?.scores,
    }));
  }
  const wDec = spaces.map((_, l) => createParameter(gpu, `W_dec_${l}`, (l + 1) * dSae, dOut));
  const bDec = spaces.map((_, l) =>
    options.decoderBias ? createParameter(gpu, `b_dec_${l}`, 1, dOut, { decays: false }) : undefined
  );
  const { coder, penalty, metrics } = coderOf(gpu, options, spaces, encoders, wDec);
  const first = createSite(gpu, space, coder.codes[0], 0, all);
  const targets: TargetLayer[] = spaces.map((own, l) => ({
    space: own,
    wDec: wDec[l],
    bDec: bDec[l],
    site: l === 0 ? first : createSite(gpu, own, coder.codes[0], l, all, first.byLatent),
  }));
  const decoder = layersDecoder(
    gpu,
    targets,
    lossOptions(options.loss, { rows, dOut }, options.targetVariance),
  );
  const parameters = [
    ...coder.parameters,
    ...wDec,
    ...bDec.filter((b) => b !== undefined),
  ];
  return finishModel(gpu, options, {
    spaces,
    coder,
    penalty,
    metrics,
    decoder,
    targets,
    parameters,
  });
}

/** The step, from its parts. */
function finishModel(
  gpu: Gpu,
  options: ModelOptions,
  { spaces, coder, penalty, metrics, decoder, targets, parameters }: {
    spaces: readonly Workspace[];
    coder: Coder;
    penalty?: Penalty;
    metrics: readonly RingField[];
    decoder: LayersDecoder;
    targets: readonly TargetLayer[];
    parameters: readonly Parameter[];
  },
): TrainableModel {
  const [space] = spaces;
  const all = options.layers * options.dSae;
  const sites: Site[] = targets.map((t) => t.site);
  const [{ code, byLatent }] = sites;
  const dead = deadLatents(gpu, {
    rows: options.rows,
    dSae: all,
    deadAfter: options.deadAfterTokens,
  });
  const ring = createRing(gpu, options.ringSlots, [
    ...RING_FIELDS,
    ...sites.map(({ index }) => ({
      name: `recon/fvu_layer_${index}`,
      word: siteWord(index, "fvu"),
    })),
    ...metrics,
  ]);
  const optimizer = createOptimizer(gpu, options, parameters, space);
  return {
    gateScope: coder.scope,
    space,
    inputs: [...spaces.map((s) => s.x), ...spaces.map((s) => s.target)],
    parameters,
    optimizerState: optimizer.state,
    exported: { begin: optimizer.toExport, end: optimizer.toTraining },
    state: [
      { name: "since_fired", buffer: dead.sinceFired, words: all },
      { name: "fired", buffer: dead.fired, words: all },
      ...coder.state,
      ...penalty?.state ?? [],
    ],
    ring,
    step: [
      ...coder.forward(),
      ...decoder.reconstruct(),
      ...countSite(gpu, sites[0]),
      ...dead.track(byLatent.counts),
      ...decoder.codeGradient(sites[0]),
      ...penalty?.onEntries(sites[0]) ?? [],
      placeEntries.record(gpu, code, byLatent),
      ...decoder.gradient(),
      ...coder.backward(sites.slice(0, 1), decoder, penalty),
      ...penalty?.onGradients(sites[0]) ?? [],
      ...finishStep(gpu, space, {
        parameters,
        clipGradNorm: options.clipGradNorm,
        sites: sites.length,
        targets: sites.length,
        codes: [byLatent],
        deadCount: dead.deadCount,
        ring,
      }),
      ...optimizer.update(),
      ...coder.afterStep?.() ?? [],
      ...penalty?.afterStep() ?? [],
    ],
  };
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((at, part) => {
    out.set(part, at);
    return at + part.length;
  }, 0);
  return out;
}

/** The family. */
export const clt: ModelFamily = {
  type: "clt",
  doc: "Cross-layer transcoder: latents read one layer and write to it and all later ones",
  formula:
    "h^l = x^l W_enc^lᵀ + b_enc^l; ŷ^l = b_dec^l + Σ_{i ≤ l} f^i W_dec^{i→l}; L = Σ_l FVU(ŷ^l), or Σ_l mean ‖y^l - ŷ^l‖² + penalty",
  source:
    "Lindsey et al. (2024), Sparse crosscoders, and Ameisen et al. (2025), Circuit tracing. The gates over one or all layers are those of Llamascopium; k of a gate over all layers counts the active latents of all of them.",
  activationDocs: {
    topk: "f = ReLU(the k largest h of each row in each layer)",
    batchtopk: "f = ReLU(the k · rows largest h of the batch in each layer)",
    layertopk: "f = ReLU(the k largest h of each row in all layers together)",
    batchlayertopk: "f = ReLU(the k · rows largest h of the batch in all layers together)",
  },
  needs: { target: "other", layers: true, sequences: false },
  defaults: { kind: "clt", inputBias: false, unitRows: false, layers: 2 },
  initial: (options, seed, facts) => layeredStart(options, gateOf(options).gate, seed, facts),
  build,
  record(options, values, state) {
    const { layers, dIn, dOut, dSae, gateByDecoderNorm } = options;
    const each = (name: string) =>
      Array.from({ length: layers }, (_, l) => values.get(`${name}_${l}`) as Float32Array);
    const { gate, scope } = gateOf(options);
    return {
      kind: "clt",
      layers,
      dIn,
      dOut,
      dSae,
      wEnc: concat(each("W_enc")),
      bEnc: values.get("b_enc") as Float32Array,
      wDec: each("W_dec"),
      bDec: options.decoderBias ? each("b_dec") : each("W_dec").map(() => new Float32Array(dOut)),
      gateByDecoderNorm,
      activation: activationOf(gate).record({ ...options, dSae: layers * dSae }, values, state),
      scope,
    };
  },
};
