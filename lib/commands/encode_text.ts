/**
 * Text to tokens to activations to latents, with one tap of the model and the reference forward pass.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { Config } from "../config/types.ts";
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
  const { openTappedModel } = await import("./tapped_model.ts");
  const { forwardRecord } = await import("../reference/forward_record.ts");
  const { record, provenance } = await openDictionary(request.path);
  const hookpoint = model.hookpoint ?? provenance.hookpoint;
  const config = { ...request.config, model: { ...model, hookpoint } };
  const { tokenizer, runner, point, prependBos, excludeTokens } = await openTappedModel(config);
  try {
    if (point.d !== record.dIn) throw widthError(request.path, record.dIn, point);
    const ids = tokenizer.encode(request.text);
    const encoded: EncodedToken[] = [];
    const room = data.context_size - (prependBos ? 1 : 0);
    for (let from = 0; from < ids.length && !hooks.signal?.aborted; from += room) {
      const own = ids.slice(from, from + room);
      const context = prependBos ? [tokenizer.bosId!, ...own] : own;
      const [rows] = await runner.run(Int32Array.from(context), 1, context.length);
      own.forEach((id, i) => {
        const position = i + context.length - own.length;
        const untrained = data.drop_first && position === 0
          ? "first position"
          : excludeTokens.includes(id)
          ? "excluded token"
          : undefined;
        const row = rows.subarray(position * point.d, (position + 1) * point.d);
        const latents = untrained ? [] : active(forwardRecord(record, row).latents);
        encoded.push({ index: from + i, id, token: tokenizer.tokenText(id), latents, untrained });
      });
      hooks.onProgress({
        stage: "encode",
        done: Math.min(ids.length, from + room),
        total: ids.length,
        unit: "tokens",
      });
    }
    return encoded;
  } finally {
    await runner.close();
  }
}

function widthError(path: string, dIn: number, point: PointFacts): SdmError {
  return new SdmError(
    `Cannot encode with "${path}": its d_in is ${dIn}, activations at "${point.name}" have width ${point.d}`,
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
