/**
 * The training step of every model with one input and one target, from its parts. Nothing here asks which family it is.
 *
 * Order of a step (architectures spec, 0.4): codes, reconstructions and losses, counts and dead latents, dz, penalties,
 * gradients by latent, AuxK, bias, projection, clipping, optimiser, what follows the step.
 * @module
 */
import {
  type AddToReconstruction,
  type LoadedDecoder,
  loadedDecoder,
  rowsDecoder,
} from "../blocks/decoders/rows.ts";
import { batchAuxGate } from "../blocks/gates/batchtopk.ts";
import { auxkLoss } from "../blocks/losses/auxk.ts";
import { type DeadLatents, deadLatents } from "../blocks/losses/dead_latents.ts";
import { type LossOptions, lossOptions } from "../blocks/losses/reconstruction.ts";
import {
  type Coder,
  createParameter,
  createSite,
  createWorkspace,
  type Decoder,
  type DecoderNorms,
  type Parameter,
  type Penalty,
  type RingField,
  type Site,
  type Workspace,
} from "../blocks/types.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import { RING_FIELDS, SITE, siteWord } from "../kernels/common.ts";
import { createRing, finishStep } from "./finish.ts";
import { createOptimizer } from "./optimizer.ts";
import type { ModelOptions, TrainableModel } from "./types.ts";

/** What parts are made from. */
export interface PartsContext {
  /** The device. */
  gpu: Gpu;
  /** The numbers. */
  options: ModelOptions;
  /** Buffers of a batch. */
  space: Workspace;
  /** Decoder rows [dSae, dOut]. */
  wDec: Parameter;
  /** The same rows as all decoders of them gather from. */
  table?: LoadedDecoder;
  /** Decoder bias, where there is one. */
  bDec?: Parameter;
  /** The bias that is taken from the input, where there is one: the decoder's. */
  inputBias?: Parameter;
  /** The loss of reconstructions. */
  loss: LossOptions;
  /** Which latents are dead; known after the codes of a step. */
  dead?: DeadLatents;
  /** Decoder norms, where they are not just the lengths of the rows of `wDec`. */
  norms?: DecoderNorms;
}

/** A connection from input to output beside the code. */
export interface Bypass {
  /** Its parameters. */
  readonly parameters: readonly Parameter[];
  /** Adds to a reconstruction. */
  addTo: AddToReconstruction;
  /**
   * Its gradients, from the residuals of all sites that train the decoder.
   * @param residualOf the residual of a site that goes with its scale
   */
  backward(sites: readonly Site[], residualOf: (site: Site) => Rows): Command[];
}

/** The parts of a model. */
export interface Parts {
  /** Encoder and gate. */
  coder(context: PartsContext): Coder;
  /** Beside the code. */
  bypass?(context: PartsContext): Bypass;
  /** The decoder; plain rows when absent. */
  decoder?(context: PartsContext, addTo?: AddToReconstruction): Decoder;
  /** A sparsity penalty. */
  penalty?(context: PartsContext, coder: Coder): Penalty | undefined;
  /** More numbers to log. */
  metrics?: readonly RingField[];
}

/** Makes a model of its parts. */
export function assemble(gpu: Gpu, options: ModelOptions, parts: Parts): TrainableModel {
  const context = contextOf(gpu, options);
  const { space, wDec, bDec, inputBias, loss, dead, table } = context;
  const coder = parts.coder(context);
  const bypass = parts.bypass?.(context);
  const plain = () => rowsDecoder(gpu, space, { wDec, bDec, loss, table, addTo: bypass?.addTo });
  const decoder = parts.decoder?.(context, bypass?.addTo) ?? plain();
  const penalty = parts.penalty?.(context, coder);
  const sites = coder.codes.map((plan, i) => createSite(gpu, space, plan, i, options.dSae));
  const aux = options.auxkCoefficient > 0 && coder.encoder
    ? auxkLoss(gpu, space, {
      site: sites.length,
      alpha: options.auxkCoefficient,
      kAux: options.kAux,
      main: sites[0],
      encoder: coder.encoder,
      decoder: plain(),
      wDec,
      dead,
      gate: options.auxSelect === "batch"
        ? (o) => batchAuxGate(gpu, { ...o, latents: options.dSae, scalars: space.scalars })
        : undefined,
    })
    : undefined;
  const parameters = [
    ...coder.parameters,
    ...decoder.parameters,
    ...bypass?.parameters ?? [],
  ];
  const ring = createRing(gpu, options.ringSlots, [
    ...RING_FIELDS,
    ...aux ? [{ name: "loss/auxk", word: siteWord(aux.site.index, "loss") }] : [],
    ...decoder.metrics,
    ...coder.metrics ?? [],
    ...parts.metrics ?? [],
  ]);
  const optimizer = createOptimizer(gpu, options, parameters, space);
  const inputGradient = inputBias
    ? createBuffer(gpu, space.x.stride * 4, "input gradient")
    : undefined;
  const penalised = sites[coder.penalised];

  return {
    gateScope: coder.scope,
    space,
    inputs: space.target === space.x ? [space.x] : [space.x, space.target],
    parameters,
    optimizerState: optimizer.state,
    exported: { begin: optimizer.toExport, end: optimizer.toTraining },
    state: [
      { name: "since_fired", buffer: dead.sinceFired, words: options.dSae },
      { name: "fired", buffer: dead.fired, words: options.dSae },
      ...coder.state,
      ...penalty?.state ?? [],
    ],
    ring,
    rowStats: sites[0].stats,
    beforeStep: decoder.beforeStep,
    step: [
      // AuxK does not get its turn in a step without dead latents.
      ...aux ? [clearSite(space, aux.site)] : [],
      ...coder.forward(),
      ...sites.flatMap((site) => decoder.reconstruct(site)),
      ...sites.flatMap((site) => decoder.count(site)),
      ...dead.track(sites[0].byLatent.counts),
      ...sites.flatMap((site) => decoder.codeGradient(site)),
      ...penalty?.onEntries(penalised) ?? [],
      ...sites.flatMap((site) => decoder.place(site)),
      ...sites.filter((s) => s.trainsDecoder).flatMap((site, i) => decoder.gradient(site, i > 0)),
      ...coder.backward(sites, decoder, penalty),
      ...penalty?.onGradients(penalised) ?? [],
      ...aux?.forwardBackward() ?? [],
      ...inputGradient ? coder.inputGradient(inputGradient) : [],
      ...decoder.biasGradient(sites, inputGradient),
      ...bypass?.backward(sites, (s) => decoder.sharedResidual?.(s) ?? s.residual) ?? [],
      ...finishStep(gpu, space, {
        parameters,
        clipGradNorm: options.clipGradNorm,
        sites: sites.length + (aux ? 1 : 0),
        targets: 1,
        codes: [sites[0].byLatent],
        deadCount: dead.deadCount,
        ring,
      }),
      ...optimizer.update(),
      ...coder.afterStep?.() ?? [],
      ...penalty?.afterStep() ?? [],
    ],
  };
}

/** Forgets the losses of a site. */
function clearSite({ scalars }: Workspace, { index }: Site): Command {
  return {
    kind: "clear",
    buffer: scalars,
    offset: siteWord(index, "scale") * 4,
    size: SITE.words * 4,
  };
}

/** Workspace and decoder of a model. */
function contextOf(
  gpu: Gpu,
  options: ModelOptions,
): PartsContext & { dead: DeadLatents } {
  const { dIn, dOut, dSae, rows, inputBias, decoderBias, unitRows } = options;
  const separateTarget = options.kind !== "sae";
  const space = createWorkspace(gpu, {
    ...{ rows, dIn, dOut, dSae, separateTarget, inputBias },
    masked: options.context > 0,
  });
  const wDec = createParameter(gpu, "W_dec", dSae, dOut, { unitRows });
  const bDec = decoderBias ? createParameter(gpu, "b_dec", 1, dOut, { decays: false }) : undefined;
  return {
    gpu,
    options,
    space,
    wDec,
    table: loadedDecoder(gpu, wDec),
    bDec,
    inputBias: inputBias ? bDec : undefined,
    loss: lossOptions(options.loss, { rows, dOut }, options.targetVariance),
    dead: deadLatents(gpu, { rows, dSae, deadAfter: options.deadAfterTokens }),
  };
}
