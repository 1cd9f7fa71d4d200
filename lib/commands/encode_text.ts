/**
 * Text to tokens to activations to latents, with one tap of the model and the reference forward pass.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { modelOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import type { TappedModel } from "../data/tapped_model.ts";
import type { PointFacts } from "../data/types.ts";
import type { WorkHooks } from "./library.ts";

/** A latent that is active on a token. */
export interface ActiveLatent {
  /** Index of the latent. */
  latent: number;
  /** Its activation. */
  value: number;
}

/** A token with its active latents, largest activation first. */
export interface EncodedToken {
  /** Index of the token in the text. */
  index: number;
  /** Token id. */
  id: number;
  /** The token as a person reads it. */
  token: string;
  /** Active latents; empty where `untrained`. */
  latents: ActiveLatent[];
  /** Why training left out such tokens, so that latents would mean nothing. */
  untrained?: "first position" | "excluded token";
}

/** What is encoded. */
export interface EncodeRequest {
  /** Folder of a dictionary or of a run. */
  path: string;
  /** Model, tokenizer, hookpoint, masks. */
  config: Config;
  /** The text. */
  text: string;
}

/** Encodes a text, context by context. */
export async function encodeText(
  request: EncodeRequest,
  hooks: WorkHooks,
): Promise<EncodedToken[]> {
  const { data, model } = request.config;
  const { openDictionary } = await import("../interop/detect.ts");
  const { openTappedModel } = await import("../data/tapped_model.ts");
  const { forwardRecord } = await import("../reference/forward_record.ts");
  const { record, provenance } = await openDictionary(request.path);
  if (record.kind !== "sae" && record.kind !== "transcoder") {
    throw new SdmError(
      `Cannot encode with "${request.path}": it is a ${record.kind}, which reads several hookpoints`,
    );
  }
  const hookpoint = model.hookpoint ?? provenance.hookpoint;
  const config = { ...request.config, model: { ...model, hookpoint } };
  const tapped = await openTappedModel(modelOptions(config));
  const { point, runner, tokenizer } = tapped;
  try {
    if (point.d !== record.dIn) throw widthError(request.path, record.dIn, point);
    const ids = tokenizer.encode(request.text);
    const encoded: EncodedToken[] = [];
    for (const context of contextsOf(ids, data.context_size, tapped)) {
      if (hooks.signal?.aborted) break;
      const [rows] = await runner.run(Int32Array.from(context), 1, context.length);
      context.forEach((id, position) => {
        if (position === 0 && tapped.prependBos) return;
        const untrained = reasonLeftOut(data.drop_first, tapped.excludeTokens, position, id);
        const row = rows.subarray(position * point.d, (position + 1) * point.d);
        const latents = untrained ? [] : active(forwardRecord(record, row).latents);
        const token = tokenizer.tokenText(id);
        encoded.push({ index: encoded.length, id, token, latents, untrained });
      });
      hooks.onProgress({
        stage: "encode",
        done: encoded.length,
        total: ids.length,
        unit: "tokens",
      });
    }
    return encoded;
  } finally {
    await runner.close();
  }
}

/** The ids in contexts as training makes them; the last one may be shorter. */
function contextsOf(
  ids: readonly number[],
  contextSize: number,
  { prependBos, tokenizer: { bosId, path } }: TappedModel,
): number[][] {
  if (prependBos && bosId === undefined) {
    throw new SdmError(`Cannot encode: the tokenizer "${path}" has no BOS token, one is needed`, {
      hint: "--prepend-bos false",
    });
  }
  const bos = prependBos ? [bosId!] : [];
  const room = contextSize - bos.length;
  const count = Math.ceil(ids.length / room);
  return Array.from(
    { length: count },
    (_, i) => [...bos, ...ids.slice(i * room, (i + 1) * room)],
  );
}

function reasonLeftOut(
  dropFirst: boolean,
  excluded: readonly number[],
  position: number,
  id: number,
): EncodedToken["untrained"] {
  if (dropFirst && position === 0) return "first position";
  return excluded.includes(id) ? "excluded token" : undefined;
}

function widthError(path: string, dIn: number, { name, d }: PointFacts): SdmError {
  return new SdmError(
    `Cannot encode with "${path}": its d_in is ${dIn}, activations at "${name}" have width ${d}`,
    { hint: "--hookpoint names another place" },
  );
}

function active(row: Float64Array): ActiveLatent[] {
  const found: ActiveLatent[] = [];
  row.forEach((value, latent) => {
    if (value !== 0) found.push({ latent, value });
  });
  return found.sort((a, b) => b.value - a.value || a.latent - b.latent);
}
