/**
 * The registry of families: adding one is a file beside this and a line here.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { batchTopk } from "./batchtopk.ts";
import { clt } from "./clt.ts";
import { gated } from "./gated.ts";
import { groupMax } from "./groupmax.ts";
import { jumprelu } from "./jumprelu.ts";
import { lorsa } from "./lorsa.ts";
import { matchingPursuit } from "./matching_pursuit.ts";
import { matryoshka } from "./matryoshka.ts";
import { pkm } from "./pkm.ts";
import { relu } from "./relu.ts";
import { topk } from "./topk.ts";
import { skipTranscoder, transcoder } from "./transcoder.ts";
import type { ModelFamily } from "./types.ts";

/** All families, in the order shown to users. */
export const FAMILIES: readonly ModelFamily[] = [
  topk,
  groupMax,
  batchTopk,
  relu,
  jumprelu,
  gated,
  matryoshka,
  matchingPursuit,
  pkm,
  transcoder,
  skipTranscoder,
  clt,
  lorsa,
];

/**
 * The family of a name.
 * @throws SdmError with the nearest names
 */
export function familyOf(type: string): ModelFamily {
  const family = FAMILIES.find((f) => f.type === type);
  if (family) return family;
  const known = FAMILIES.map((f) => f.type);
  throw new SdmError(
    `Cannot build a dictionary of type "${type}": known types are ${known.join(", ")}`,
    { hint: didYouMean(type, known) || undefined },
  );
}
