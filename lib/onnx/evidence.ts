/**
 * How sure the resolver is of a hookpoint: what speaks for it besides the structure, and what against.
 * @module
 */
import { configBeside } from "./beside.ts";
import { blockPoints, type FoundPoint, streamWidth } from "./block_points.ts";
import { elemName } from "./infer.ts";
import type { OnnxModel } from "./model.ts";
import { layerInName, scopeOf } from "./names.ts";
import { factsOf } from "./shapes.ts";
import type { Stream } from "./stream.ts";
import type { Hookpoint } from "./types.ts";

/** Something that agrees with the structure or does not. */
interface Witness {
  agrees: boolean;
  /** Does it alone, with the structure, make a place certain? */
  strong: boolean;
  text: string;
}

/** All hookpoints of a stream, with what speaks for each. */
export function pointsOf(model: OnnxModel, stream: Stream): Hookpoint[] {
  const common = streamWitnesses(model, stream);
  return stream.blocks.flatMap((block, layer) =>
    blockPoints(model, stream, block).map((found) => judged(model, found, layer, common))
  );
}

function judged(
  model: OnnxModel,
  found: FoundPoint,
  layer: number,
  common: readonly Witness[],
): Hookpoint {
  const { tensor, kind } = found;
  const witnesses = [...common, ...ownWitnesses(model, found, layer)];
  const against = witnesses.some((witness) => !witness.agrees);
  const strong = witnesses.some((witness) => witness.strong);
  const named = witnesses.some((w) => w.agrees && w.text.startsWith("its name"));
  const facts = factsOf(model, tensor);
  const point: Hookpoint = {
    name: `blocks.${layer}.${found.hook}`,
    tensor,
    layer,
    kind,
    why: found.why + (named ? "; its name agrees" : ""),
    dtype: elemName(facts.elemType),
    confidence: against ? "guess" : strong ? "certain" : "likely",
    evidence: [`structure: ${found.why}`, ...witnesses.map((witness) => witness.text)],
  };
  if (facts.dims) point.shape = facts.dims;
  const last = facts.dims?.at(-1);
  const d = found.width ?? (typeof last === "number" ? last : undefined);
  if (d !== undefined) point.d = d;
  return point;
}

/** What holds for a stream as a whole. */
function streamWitnesses(model: OnnxModel, stream: Stream): Witness[] {
  const config = configBeside(model);
  if (!config) return [];
  const found: Witness[] = [];
  const layers = stream.blocks.length, width = streamWidth(model, stream);
  if (config.layers !== undefined) {
    const agrees = config.layers === layers;
    const text = agrees
      ? `config.json: it says ${layers} layers too`
      : `config.json: it says ${config.layers} layers, the graph has ${layers}`;
    found.push({ agrees, strong: agrees, text });
  }
  if (config.width !== undefined && width !== undefined && config.width !== width) {
    const text = `config.json: it says width ${config.width}, the stream has ${width}`;
    found.push({ agrees: false, strong: false, text });
  }
  return found;
}

/** What holds for one tensor. */
function ownWitnesses(model: OnnxModel, found: FoundPoint, layer: number): Witness[] {
  const { tensor, kind, width } = found;
  const witnesses: Witness[] = [];
  const named = layerInName(tensor) ?? layerInName(scopeOf(model, tensor) ?? "");
  if (named !== undefined) {
    // A stream may be called after the block that it leaves or after the one that it enters.
    const loose = kind.startsWith("resid") || kind.endsWith("_in") ? 1 : 0;
    const agrees = Math.abs(named - layer) <= loose;
    const text = `its name or module path speaks of layer ${named}`;
    witnesses.push({ agrees, strong: agrees, text });
  }
  const dims = factsOf(model, tensor).dims;
  const heads = kind === "z" && dims?.length === 4;
  const last = heads ? timesLastTwo(dims) : dims?.at(-1);
  if (width !== undefined && typeof last === "number") {
    const agrees = last === width;
    const text = agrees ? `width ${width} fits` : `width ${last}, ${width} was expected`;
    witnesses.push({ agrees, strong: false, text });
  }
  return witnesses;
}

/** Width of heads that are not yet joined. */
function timesLastTwo(dims: readonly (number | string)[]): number | undefined {
  const [heads, width] = dims.slice(-2);
  return typeof heads === "number" && typeof width === "number" ? heads * width : undefined;
}
