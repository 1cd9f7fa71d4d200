/**
 * The report of a dictionary: measures it, gathers what the page shows, writes one HTML file.
 * @module
 */
import { join } from "node:path";
import { formatBytes, formatCount, formatFigure, formatSeconds } from "../base/format.ts";
import { VERSION } from "../base/version.ts";
import type { Config } from "../config/types.ts";
import type { TextInputs } from "../data/text_inputs.ts";
import type { Evaluation } from "../evals/evaluate.ts";
import { CHOICE, chooseLatents, profileLatents, vocabularyEffect } from "../evals/latents.ts";
import { writeFileAtomic } from "../files/atomic.ts";
import { readJsonLines } from "../files/json_lines.ts";
import type { OpenedDictionary } from "../interop/detect.ts";
import { unembedding } from "../onnx/describe.ts";
import { loadModel } from "../onnx/graph.ts";
import type { TrainedRecord } from "../models/record.ts";
import { readManifest, type RunManifest } from "../train/manifest.ts";
import { planLine } from "../train/planned.ts";
import {
  type EvaluateHooks,
  type EvaluateOutcome,
  type EvaluateRequest,
  isRun,
  measure,
  type Measured,
  outcomeOf,
  writeEval,
} from "./evaluate.ts";
import { renderReport } from "./page.ts";
import type { CurvePoint, LatentCard, ReportData } from "./types.ts";

/** Measures a dictionary and writes its report. */
export async function buildReport(
  request: EvaluateRequest & { out?: string },
  hooks: EvaluateHooks,
): Promise<EvaluateOutcome & { file: string }> {
  const measured = await measure(request, hooks);
  try {
    return await reportOf(request, measured);
  } finally {
    await measured.inputs.close();
  }
}

async function reportOf(
  request: EvaluateRequest & { out?: string },
  measured: Measured,
): Promise<EvaluateOutcome & { file: string }> {
  const { opened, inputs, evaluation } = measured;
  const outcome = outcomeOf(measured);
  const run = await isRun(request.path);
  if (run) await writeEval(request, outcome);
  const manifest = run ? await readManifest(request.path) : undefined;
  const file = request.out ?? join(request.path, "report.html");
  const data: ReportData = {
    title: request.path.split(/[\\/]/).filter((part) => part !== "").pop() ?? "report",
    created: manifest?.finished ?? new Date().toISOString(),
    facts: [...factsOf(opened, inputs, manifest), ...lossFacts(outcome)],
    curve: run ? await readCurve(request.path) : [],
    ...outcome,
    ...densities(evaluation),
    l0Counts: evaluation.pass.l0Counts,
    latents: await cards(request.config, opened, inputs, evaluation),
    latentChoice: CHOICE,
    version: VERSION,
  };
  await writeFileAtomic(file, renderReport(data));
  return { ...outcome, file };
}

async function readCurve(run: string): Promise<CurvePoint[]> {
  const lines = await readJsonLines(join(run, "metrics.jsonl"));
  return lines.map((line) => {
    const { tokens, step: _, ...values } = line as Record<string, number>;
    return { tokens, values };
  });
}

function densities({ pass, data }: Evaluation): { logDensities: number[]; silentLatents: number } {
  const firing = [...pass.fired].filter((n) => n > 0);
  return {
    logDensities: firing.map((n) => Math.log10(n / data.rows)),
    silentLatents: pass.fired.length - firing.length,
  };
}

/** What the losses of the model rest on, or why there are none. */
function lossFacts({ downstream }: EvaluateOutcome): [string, string][] {
  if (!downstream) return [];
  const { reason, tokens, notes } = downstream;
  const text = reason ?? `${formatCount(tokens)} tokens; ${notes.join("; ")}`;
  return [[reason === undefined ? "Losses of the model" : "No losses of the model", text]];
}

function factsOf(
  { record, provenance }: OpenedDictionary,
  { facts, tokens, kept }: TextInputs,
  manifest: RunManifest | undefined,
): [string, string][] {
  const list: [string, string | undefined][] = [
    [
      "Dictionary",
      `${record.kind}, ${record.activation.name}, ` +
      `${formatCount(record.dSae)} latents of width ${record.dIn}` +
      (record.kind === "clt" ? ` in each of ${record.layers} layers` : ""),
    ],
    [
      "Active latents a token",
      "k" in record.activation ? `k = ${record.activation.k}` : undefined,
    ],
    ["Hookpoint", provenance.hookpoint],
    ["Model", `${facts.model.id} (sha256 ${facts.model.onnx_sha256.slice(0, 12)})`],
    ["Held-out text", `${facts.data.id}, contexts of ${tokens.contextSize} tokens`],
    [
      "Left out",
      `${formatCount(kept.counts.droppedFirst)} first positions, ` +
      `${formatCount(kept.counts.droppedTokens)} special tokens`,
    ],
    ["Adapter", manifest?.adapter.name],
    [
      "Training",
      manifest?.seconds && manifest.tokens_per_second
        ? `${formatSeconds(manifest.seconds.training)}, ` +
          `${formatCount(manifest.tokens_per_second)} tokens/s`
        : undefined,
    ],
    [
      "Waiting for activations",
      manifest?.seconds ? formatSeconds(manifest.seconds.waiting) : undefined,
    ],
    [
      "Memory on the adapter",
      manifest?.peak_gpu_bytes ? formatBytes(manifest.peak_gpu_bytes) : undefined,
    ],
    ["Plan and outcome", manifest && planLine(manifest)],
    ["Input scales, folded in", manifest?.input_scales.map((s) => formatFigure(s)).join(", ")],
  ];
  return list.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

/** Whether a decoder row of this hookpoint is a direction in the residual stream. */
function writesToStream(hookpoint: string): boolean {
  return /hook_(resid_(pre|mid|post)|attn_out|mlp_out)$/.test(hookpoint);
}

/** What a latent writes; of several targets, what it writes to the last one. */
function decoderRow({ wDec, dOut }: TrainedRecord, latent: number): Float32Array {
  const last = wDec instanceof Float32Array ? wDec : wDec[wDec.length - 1];
  return last.subarray(latent * dOut, (latent + 1) * dOut);
}

async function cards(
  config: Config,
  { record, provenance }: OpenedDictionary,
  { tokens, tokenizer }: TextInputs,
  { pass, data }: Evaluation,
): Promise<LatentCard[]> {
  const { latents, contexts, context_window } = config.report;
  const profiles = profileLatents(
    pass.codes,
    chooseLatents(pass.fired, latents),
    data.context,
    contexts,
  );
  const model = writesToStream(provenance.hookpoint) && config.model.onnx
    ? unembedding(await loadModel(config.model.onnx))
    : undefined;
  const readout = model && model.d === record.dOut ? model : undefined;
  // Row of a (context, position), to find the activations of the neighbours of a peak.
  const rowAt = new Map<number, number>();
  for (let r = 0; r < data.rows; r++) {
    rowAt.set(data.context[r] * tokens.contextSize + data.position[r], r);
  }
  return profiles.map((profile) => ({
    latent: profile.latent,
    density: profile.fired / data.rows,
    maxActivation: profile.max,
    meanActivation: profile.mean,
    histogram: profile.histogram,
    contexts: profile.peaks.map(({ row }) => {
      const context = data.context[row], position = data.position[row];
      const first = Math.max(0, position - context_window);
      const last = Math.min(tokens.contextSize - 1, position + Math.ceil(context_window / 3));
      const places = Array.from({ length: last - first + 1 }, (_, i) => first + i);
      const start = context * tokens.contextSize, ids = tokens.idsOf(context);
      return {
        tokens: places.map((p) => tokenizer.tokenText(ids[p])),
        activations: places.map((p) => profile.values.get(rowAt.get(start + p) ?? -1) ?? 0),
        peak: position - first,
      };
    }),
    ...effects(decoderRow(record, profile.latent)),
  }));

  function effects(row: Float32Array): Pick<LatentCard, "promoted" | "suppressed"> {
    if (!readout) return {};
    const { promoted, suppressed } = vocabularyEffect(row, readout, 10);
    const named = ({ id, score }: { id: number; score: number }) => ({
      token: tokenizer.tokenText(id),
      score,
    });
    return { promoted: promoted.map(named), suppressed: suppressed.map(named) };
  }
}
