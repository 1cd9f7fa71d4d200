/**
 * Low-rank sparse attention (Lorsa) as an encoder: the score of latent i at a position is what attention head
 * `floor(i / g)` sees there of the values `x · W_V[i] + b_V[i]`. Source: architectures spec, section 11.
 *
 * Rows of a pattern of attention sum to one, so the score is `m · W_V[i] + b_V[i]` with the mixed input
 * `m_t = Σ_t' A_tt' x_t'` of the head: a dense encoder a head. Values of all latents are never made; a head costs as much
 * attention as one of width dIn. What is alive at a time: patterns and mixed inputs of as many heads as fit
 * `ATTENTION_BUDGET`. Where all fit, backward uses what forward made, otherwise it makes it again.
 * @module
 */
import { SdmError } from "../../base/errors.ts";
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Slice } from "../../gpu/kernel.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard } from "../../gpu/rows.ts";
import { attentionProduct, type HeadRows } from "../../kernels/attention_product.ts";
import { causalSoftmax } from "../../kernels/causal_softmax.ts";
import type { CodeByLatent, CodeByRow } from "../../kernels/code.ts";
import { decodeGroups } from "../../kernels/decode_groups.ts";
import { encodeGemm, PANEL_UNIT } from "../../kernels/encode_gemm.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import { maskScores } from "../../kernels/mask_scores.ts";
import { createTurns, type Rotary } from "../../kernels/rope_rows.ts";
import type { Strip } from "../../kernels/strip.ts";
import { roundUp } from "../../tensor/shards.ts";
import { gradOf, type PanelFactors, type Parameter, type ScoreEncoder } from "../types.ts";
import { type ScorePanel, vectorOf, type Workspace } from "../types.ts";
import { headScratch, headSide } from "./attention_heads.ts";
import { ATTENTION_BUDGET, type AttentionChunk, planAttention } from "./attention_plan.ts";
import { panelFor } from "./dense.ts";

/** What the encoder works with. */
export interface AttentionOptions {
  /** Query-key heads; each serves as many latents in a row. */
  heads: number;
  /** Rows of a sequence; batches are whole sequences. */
  length: number;
  /** Divisor of the scores. */
  scale: number;
  /** Rotary positions, where there are any. */
  rotary?: Rotary;
  /** Added to the mean of squares in the norms of queries and keys. */
  eps: number;
  /** [heads · width, dIn]. */
  wQ: Parameter;
  /** Vector [heads · width]. */
  bQ: Parameter;
  /** [heads · width, dIn]. */
  wK: Parameter;
  /** Vector [heads · width]. */
  bK: Parameter;
  /** [dSae, dIn]. */
  wV: Parameter;
  /** Vector [dSae]. */
  bV: Parameter;
  /** Gain of the queries' RMS norm, a vector [heads · width]; both or none. */
  lnQ?: Parameter;
  /** Gain of the keys' RMS norm. */
  lnK?: Parameter;
  /** Bytes for patterns and mixed inputs; {@link ATTENTION_BUDGET} when absent. */
  budgetBytes?: number;
}

/** Sizes that the options imply. */
function sizesOf({ rows }: Workspace, options: AttentionOptions) {
  const { heads, length, rotary, wQ, wV } = options;
  const width = wQ.value.rows / heads;
  const group = wV.value.rows / heads;
  const refuse = (found: string, needed: string): never => {
    throw new SdmError(`Cannot build attention: ${found}, ${needed}`);
  };
  if (width % 4 !== 0) refuse(`d_qk_head is ${width}`, "a multiple of 4 is needed");
  if (!Number.isInteger(group)) {
    refuse(`d_sae is ${wV.value.rows} and n_qk_heads ${heads}`, "a multiple of it is needed");
  }
  if (rows % length !== 0) {
    refuse(`a batch has ${rows} rows`, `whole sequences of ${length} are needed`);
  }
  if (rotary && (rotary.dim % 2 !== 0 || rotary.dim > width * rotary.copies)) {
    const most = width * rotary.copies;
    refuse(`rotary_dim is ${rotary.dim}`, `an even number of at most ${most} is needed`);
  }
  return { width, group };
}

/** Makes the encoder. */
export function attentionEncoder(
  gpu: Gpu,
  space: Workspace,
  options: AttentionOptions,
): ScoreEncoder {
  const { heads, length, scale, rotary, eps, wV, bV, lnQ, lnK } = options;
  const { rows, mask } = space;
  const { width, group } = sizesOf(space, options);
  const { stride, cols: d } = space.centred;
  const plan = planAttention({
    rows,
    length,
    heads,
    stride,
    budgetBytes: options.budgetBytes ?? ATTENTION_BUDGET,
    maxBindingBytes: gpu.facts.maxBindingBytes,
  });
  const blockFloats = plan.blockRows * stride;
  const floats = (label: string, n: number) => createBuffer(gpu, n * 4, label);
  const pattern = floats("attention", plan.patternFloats);
  const patternGrad = floats("gradient of attention", plan.patternFloats);
  const mixed = floats("mixed inputs", plan.heads * blockFloats);
  const mixedGrad = floats("gradient of mixed inputs", plan.heads * blockFloats);
  const panel = panelFor(rows, group, gpu.facts.maxBindingBytes);
  const scores = floats("scores", roundUp(rows, PANEL_UNIT) * panel);

  const turns = rotary && createTurns(gpu, rotary, length);
  const shape = { heads, width, length, eps, rotary, turns };
  const scratch = headScratch(gpu, rows, shape, lnQ !== undefined);
  const q = headSide(gpu, space, { w: options.wQ, b: options.bQ, gain: lnQ }, shape, scratch);
  const k = headSide(gpu, space, { w: options.wK, b: options.bK, gain: lnK }, shape, scratch);
  const x: HeadRows = { buffer: onlyShard(space.centred), stride };
  const blocks = (buffer: GPUBuffer): HeadRows => ({ buffer, stride, head: blockFloats });
  const from = (side: HeadRows, head: number): HeadRows => ({
    ...side,
    first: head * (side.head ?? 0),
  });
  /** Mixed inputs of a head of a chunk. */
  const mixedOf = (chunk: AttentionChunk, head: number): Slice => ({
    buffer: mixed,
    offset: (head - chunk.firstHead) * blockFloats * 4,
    size: blockFloats * 4,
  });

  const softmax = (strip: Strip, backward: boolean): Command =>
    causalSoftmax.record(gpu, {
      strip,
      factor: 1 / scale,
      pattern,
      grad: patternGrad,
      backward,
    });
  /** Pattern and mixed inputs of a strip. */
  const mix = (chunk: AttentionChunk, strip: Strip): Command[] => [
    ...attentionProduct.record(gpu, {
      form: "scores",
      strip,
      pattern,
      side: from(q.out, chunk.firstHead),
      right: from(k.out, chunk.firstHead),
      width: q.width,
    }),
    softmax(strip, false),
    ...attentionProduct.record(gpu, {
      form: "mix",
      strip,
      pattern,
      side: blocks(mixed),
      right: x,
      width: stride,
    }),
  ];
  /** Derivatives by queries and keys of a strip, from those by the mixed inputs. */
  const unmix = (chunk: AttentionChunk, strip: Strip): Command[] => [
    ...attentionProduct.record(gpu, {
      form: "scores",
      strip,
      pattern: patternGrad,
      side: blocks(mixedGrad),
      right: x,
      width: stride,
    }),
    softmax(strip, true),
    ...attentionProduct.record(gpu, {
      form: "mix",
      strip,
      pattern: patternGrad,
      side: from(q.grad, chunk.firstHead),
      right: from(k.out, chunk.firstHead),
      width: q.width,
    }),
    ...attentionProduct.record(gpu, {
      form: "spread",
      strip,
      pattern: patternGrad,
      side: from(k.grad, chunk.firstHead),
      right: from(q.out, chunk.firstHead),
      width: q.width,
    }),
  ];
  const headsOf = (chunk: AttentionChunk) =>
    Array.from({ length: chunk.heads }, (_, i) => chunk.firstHead + i);

  /** Panels of one head: its latents, buffer by buffer. A panel's surplus columns score latents of other heads. */
  const panelsOf = (chunk: AttentionChunk, head: number): ScorePanel[] =>
    wV.value.shards.flatMap((shard) => {
      const begin = Math.max(shard.firstRow, head * group);
      const end = Math.min(shard.firstRow + shard.rows, (head + 1) * group);
      const list: ScorePanel[] = [];
      for (let first = begin; first < end; first += panel) {
        const latents = Math.min(panel, end - first);
        const made = { firstLatent: first, latents, scores, panel };
        const score = (factors?: PanelFactors) =>
          encodeGemm.record(gpu, {
            rows,
            latents,
            d,
            x: mixedOf(chunk, head),
            w: shard.buffer,
            firstLatent: first - shard.firstRow,
            bias: vectorOf(bV),
            firstBias: first,
            factors: factors?.values,
            firstFactor: factors?.first,
            scores,
            panel,
          });
        // Rows that do not count are keys and values of others, but have no code.
        const masked = mask
          ? [maskScores.record(gpu, { rows, flags: mask, byRow: true, ...made })]
          : [];
        list.push({ commands: (factors) => [...score(factors), ...masked], ...made });
      }
      return list;
    });

  const mixAll = (chunk: AttentionChunk) => chunk.strips.flatMap((strip) => mix(chunk, strip));
  const backwardChunk = (
    chunk: AttentionChunk,
    code: CodeByLatent,
    add: boolean,
    byRow: CodeByRow,
  ): Command[] => [
    ...decodeGroups.record(gpu, {
      code: byRow,
      w: wV.value,
      size: group,
      firstGroup: chunk.firstHead,
      groups: chunk.heads,
      out: mixedGrad,
      blockRows: plan.blockRows,
    }),
    ...chunk.strips.flatMap((strip) => [
      ...plan.kept ? [] : mix(chunk, strip),
      ...unmix(chunk, strip),
    ]),
    ...headsOf(chunk).flatMap((head) =>
      gradLatents.record(gpu, {
        code,
        weight: "dz",
        rows: mixedOf(chunk, head),
        grad: wV.grad,
        only: { first: head * group, count: group },
        gradBias: gradOf(bV),
        scalars: space.scalars,
        scaleWord: 0,
        add,
      })
    ),
  ];

  return {
    candidates: "attention",
    parameters: [
      ...[options.wQ, options.bQ, options.wK, options.bK, wV, bV],
      ...lnQ && lnK ? [lnQ, lnK] : [],
    ],
    scores,
    panel,
    prepare: () => [
      ...q.forward(),
      ...k.forward(),
      ...plan.kept ? plan.chunks.flatMap(mixAll) : [],
    ],
    panels: () =>
      plan.chunks.flatMap((chunk) => {
        const [first, ...others] = headsOf(chunk).flatMap((head) => panelsOf(chunk, head));
        const before = plan.kept ? [] : mixAll(chunk);
        const commands = (factors?: PanelFactors) => [...before, ...first.commands(factors)];
        return [{ ...first, commands }, ...others];
      }),
    backward: (code, add, byRow) => [
      ...plan.chunks.flatMap((chunk) => backwardChunk(chunk, code, add, byRow)),
      ...q.backward(add),
      ...k.backward(add),
    ],
    inputGradient() {
      throw new Error("Attention has no input bias");
    },
  };
}
