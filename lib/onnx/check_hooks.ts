/**
 * Checks hookpoints by running the model on a few random tokens: what is said to be added up must add up, what is said to
 * be a norm must be that norm, and a causal model must not look ahead.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { configBeside } from "./beside.ts";
import { applyNorm, applyUnembedding, distance, sumOf } from "./check_arithmetic.ts";
import { streamWidth } from "./block_points.ts";
import { contextLimit, vocabSize } from "./describe.ts";
import { findHookpoints } from "./hookpoints.ts";
import { elemTypeOf, stripRows } from "./infer.ts";
import { ELEM, type OnnxModel } from "./model.ts";
import { normOf } from "./norm.ts";
import { createRunner } from "./runner.ts";
import { findStream, type Stream } from "./stream.ts";
import type { Hookpoint, ProviderName } from "./types.ts";
import { unembeddingProduct, unembeddingTrouble } from "./unembedding.ts";

/** One thing that was measured. */
export interface HookTest {
  /** In words, such as `blocks.0: hook_resid_pre + hook_attn_out = hook_resid_mid`. */
  name: string;
  /** Relative distance of the two sides. */
  error: number;
  /** Largest distance that passes, or the least where `differs` is set. */
  tolerance: number;
  /** Set where the two sides must differ. */
  differs?: boolean;
  /** Whether it passed. */
  passed: boolean;
}

/** What a check found. */
export interface HookCheck {
  /** The hookpoints; those whose tests passed are `measured`, those with one that failed are a `guess`. */
  hookpoints: Hookpoint[];
  /** Everything measured. */
  tests: HookTest[];
  /** What could not be measured, and why. */
  skipped: string[];
  /** Whether no position depends on later tokens; undefined when it cannot be told. */
  causal?: boolean;
  /** Whether all tests passed. */
  passed: boolean;
}

/** How a check is run. */
export interface CheckOptions {
  /** Which ONNX Runtime; default `auto`. */
  provider?: ProviderName;
  /** Tokens of the text; default 8. */
  tokens?: number;
}

/** Taps by tensor of a text, of one with another last token, and of one with another first token. */
interface Seen {
  first: Map<string, Float32Array>;
  second: Map<string, Float32Array>;
  third: Map<string, Float32Array>;
  length: number;
}

/**
 * Runs a model three times on a few random tokens and holds its hookpoints against each other.
 * @throws SdmError when no stream was found, or the model does not run
 */
export async function checkHookpoints(
  model: OnnxModel,
  options: CheckOptions = {},
): Promise<HookCheck> {
  const { hookpoints, trouble } = findHookpoints(model);
  const stream = findStream(model);
  if (trouble !== undefined || stream.trouble !== undefined) {
    throw new SdmError(`Cannot check hookpoints of "${model.name}": ${trouble}`);
  }
  const seen = await run(model, stream, hookpoints, options);
  const tests: HookTest[] = [], skipped: string[] = [];
  const judge = new Map<string, boolean>();
  const tolerance = toleranceOf(model, stream);
  const test = (name: string, error: number, points: readonly (Hookpoint | undefined)[]) => {
    const passed = error <= tolerance;
    tests.push({ name, error, tolerance, passed });
    for (const point of points) {
      if (point) judge.set(point.tensor, (judge.get(point.tensor) ?? true) && passed);
    }
  };
  const d = streamWidth(model, stream);
  stream.blocks.forEach((_, layer) => {
    const own = hookpoints.filter((point) => point.layer === layer);
    sums({ model, stream, layer, own, seen, test, skipped, d });
    norms({ model, own, seen, test, skipped, d });
  });
  final(model, stream, seen, { hookpoints, test, skipped, d });
  mixing(hookpoints, seen, tests);
  const causal = causality(model, stream, seen, tests, skipped);
  const checked = hookpoints.map((point) => judged(point, judge.get(point.tensor)));
  return { hookpoints: checked, tests, skipped, causal, passed: tests.every((t) => t.passed) };
}

function judged(point: Hookpoint, passed: boolean | undefined): Hookpoint {
  if (passed === undefined) return point;
  const text = passed ? "measured: it adds up on random tokens" : "measured: it does not add up";
  const confidence = passed ? "measured" : "guess";
  return { ...point, confidence, evidence: [...point.evidence, text] };
}

/** Half precision rounds sums; quantised sums are of rounded numbers. */
function toleranceOf(model: OnnxModel, stream: Stream): number {
  if (model.nodes.some((node) => node.op === "QuantizeLinear")) return 0.1;
  const types = stream.steps.map((step) => elemTypeOf(model, step.sum));
  if (types.includes(ELEM.BFLOAT16)) return 5e-2;
  return types.some((type) => type !== ELEM.FLOAT) ? 1e-2 : 1e-4;
}

async function run(
  model: OnnxModel,
  stream: Stream,
  points: readonly Hookpoint[],
  { provider, tokens = 8 }: CheckOptions,
): Promise<Seen> {
  const wanted = new Set(points.map((point) => point.tensor));
  for (const step of stream.steps) wanted.add(step.sum);
  wanted.add(stream.norm).add(stream.output);
  const taps = [...wanted];
  const length = Math.max(2, Math.min(tokens, contextLimit(model) ?? tokens));
  const vocab = vocabSize(model) ?? 100;
  const runner = await createRunner({ model, taps, provider });
  try {
    // Any ids do; these are spread over the vocabulary and never the same twice in a row.
    const ids = Int32Array.from({ length }, (_, i) => (7 + i * 7919) % vocab);
    const taken = async (changed?: number) => {
      const own = ids.slice();
      if (changed !== undefined) own[changed] = (own[changed] + Math.ceil(vocab / 2)) % vocab;
      const arrays = await runner.run(own, 1, length);
      return new Map(taps.map((tap, i) => [tap, arrays[i]]));
    };
    const first = await taken();
    return { first, second: await taken(length - 1), third: await taken(0), length };
  } finally {
    await runner.close();
  }
}

interface LayerCheck {
  model: OnnxModel;
  own: readonly Hookpoint[];
  seen: Seen;
  test: (name: string, error: number, points: readonly (Hookpoint | undefined)[]) => void;
  skipped: string[];
  d: number | undefined;
}

/** Stream before plus branch is the stream after, behind a norm in a post-norm model. */
function sums(check: LayerCheck & { stream: Stream; layer: number }): void {
  const { model, stream, layer, own, seen, test, skipped, d } = check;
  const at = (kind: string) => own.find((point) => point.kind === kind);
  const added = layer < stream.blocks.length ? stream.blocks[layer].steps : [];
  const parallel = added.length === 1;
  added.forEach((step, i) => {
    const before = i === 0 ? at("resid_pre") : at("resid_mid");
    const after = i === added.length - 1 ? at("resid_post") : at("resid_mid");
    const branches = parallel
      ? [at("attn_out"), at("mlp_out")]
      : [i === 0 ? at("attn_out") : at("mlp_out")];
    const points = [before, ...branches, after];
    const parts = [before, ...branches].map((point) => point && seen.first.get(point.tensor));
    const sum = seen.first.get(step.sum);
    const names = points.map((point) => point?.name.replace(/^blocks\.\d+\./, ""));
    const label = `blocks.${layer}: ${names.slice(0, -1).join(" + ")} = ` +
      (stream.kind === "post" ? `what ${names.at(-1)} is the norm of` : names.at(-1));
    if (step.constant !== undefined) {
      skipped.push(`${label}: a constant, "${step.constant}", is added besides`);
      return;
    }
    if (parts.some((part) => !part) || !sum) return;
    test(label, distance(sumOf(parts as Float32Array[]), sum), points);
    const norm = stream.kind === "post" && after ? normOf(model, after.tensor) : undefined;
    if (!norm || !after || d === undefined) return;
    const made = applyNorm(model, norm, sum, d);
    const found = seen.first.get(after.tensor)!;
    if (made) test(`${after.name} is a norm of the sum`, distance(made, found), [after]);
  });
}

/** What a sublayer reads is the norm of the stream. */
function norms({ model, own, seen, test, skipped, d }: LayerCheck): void {
  for (const point of own.filter(({ kind }) => kind === "attn_in" || kind === "mlp_in")) {
    const norm = normOf(model, point.tensor);
    const stream = norm && seen.first.get(stripRows(model, norm.input));
    if (
      !norm || !stream || d === undefined ||
      own.some((p) => p.kind.startsWith("resid") && p.tensor === point.tensor)
    ) continue;
    const made = applyNorm(model, norm, stream, d);
    if (!made) skipped.push(`${point.name}: the norm's weights are not floats`);
    else {test(
        `${point.name} is a norm of the stream`,
        distance(made, seen.first.get(point.tensor)!),
        [point],
      );}
  }
}

/** The last stream through the final norm and the unembedding makes the logits. */
function final(
  model: OnnxModel,
  stream: Stream,
  seen: Seen,
  { hookpoints, test, skipped, d }: {
    hookpoints: readonly Hookpoint[];
    test: LayerCheck["test"];
    skipped: string[];
    d: number | undefined;
  },
): void {
  const last = hookpoints.filter((point) => point.kind === "resid_post").at(-1);
  const norm = normOf(model, stream.norm);
  const normed = seen.first.get(stream.norm)!;
  if (stream.kind === "pre" && norm && last && d !== undefined) {
    const made = applyNorm(model, norm, seen.first.get(last.tensor)!, d);
    if (made) test(`the final norm of ${last.name}`, distance(made, normed), [last]);
    else skipped.push("the final norm: its weights are not floats");
  }
  const trouble = unembeddingTrouble(model);
  const linear = unembeddingProduct(model);
  if (trouble !== undefined || typeof linear === "string") {
    skipped.push(`logits: ${trouble}`);
    return;
  }
  const made = applyUnembedding(model, linear, normed, stream.output);
  const logits = seen.first.get(stream.output)!;
  if (made) test(`logits from ${last?.name}`, distance(made, logits), [last]);
  else skipped.push("logits: what lies behind the unembedding is not known");
}

/** Attention of the first block must bring the first token to the others: an MLP could not. */
function mixing(hookpoints: readonly Hookpoint[], seen: Seen, tests: HookTest[]): void {
  const out = hookpoints.find((point) => point.kind === "attn_out");
  if (!out) return;
  const [a, b] = [seen.first.get(out.tensor)!, seen.third.get(out.tensor)!];
  const from = a.length / seen.length;
  const error = distance(a.subarray(from), b.subarray(from));
  const tolerance = 1e-6, passed = error > tolerance;
  tests.push({
    name: `${out.name} of later positions depends on the first token`,
    error,
    tolerance,
    differs: true,
    passed,
  });
}

/** Positions before the last must not change when the last token does. */
function causality(
  model: OnnxModel,
  stream: Stream,
  seen: Seen,
  tests: HookTest[],
  skipped: string[],
): boolean | undefined {
  if (model.nodes.some((node) => node.op === "DynamicQuantizeLinear")) {
    skipped.push(
      "causality: activations are quantised over the whole text, each token tells on all",
    );
    return undefined;
  }
  const tensor = stream.steps.at(-1)!.after;
  const [a, b] = [seen.first.get(tensor)!, seen.second.get(tensor)!];
  const kept = a.length / seen.length * (seen.length - 1);
  const error = distance(a.subarray(0, kept), b.subarray(0, kept));
  const tolerance = toleranceOf(model, stream);
  const causal = error <= tolerance;
  const past = model.inputs.some((input) => input.name.startsWith("past"));
  const named = configBeside(model)?.classes.some((name) => /CausalLM|LMHead/.test(name));
  if (past || named) {
    tests.push({ name: "no position depends on a later token", error, tolerance, passed: causal });
  }
  return causal;
}
