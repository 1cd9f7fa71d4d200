/**
 * Which families take part in a comparison, and at which hookpoints.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import {
  type Entrant,
  type EntrantConfig,
  entrantConfig,
  entrantName,
  pointKeys,
} from "../config/entrants.ts";
import { FAMILIES } from "../config/families.ts";
import type { PlacedKeys } from "../config/place.ts";
import { openStore } from "../data/store_reader.ts";
import { join } from "node:path";
import { loadModel } from "../onnx/graph.ts";
import { expandHookpoints } from "../onnx/hookpoints.ts";
import { expandPatterns } from "../onnx/patterns.ts";

/** An input and an output; of several layers patterns such as `blocks.*.mlp.hook_in`. */
export type PointPair = readonly [string, string];

/** Hookpoints of families that reconstruct another one, where they are not those of the configuration. */
export interface ComparePoints {
  /** Of transcoders. */
  transcode?: PointPair;
  /** Of families that read whole contexts. */
  attention?: PointPair;
  /** Of families with several layers. */
  layers?: PointPair;
}

/** What is compared. */
export interface CompareRequest {
  /** Keys that were written down. */
  placed: [string, unknown][];
  /** Where, for errors. */
  source: string;
  /** Families; all whose hookpoints are known when absent. */
  entrants?: readonly Entrant[];
  /** Their hookpoints. */
  points: ComparePoints;
  /** Folder under which each run has its own. */
  path: string;
  /** Train anew what is finished. */
  overwrite: boolean;
}

/** A family that takes part. */
export interface PlannedRun extends EntrantConfig {
  /** Its name. */
  name: string;
  /** Families with equal groups reconstruct the same rows from the same rows. */
  group: string;
}

/** Active latents where no key says it. */
const DEFAULT_L0 = 32;

function ownPair({ type }: Entrant, points: ComparePoints): PointPair | undefined {
  const { points: kind, sequences } = FAMILIES[type];
  if (kind === "one") return undefined;
  return kind === "layers" ? points.layers : sequences ? points.attention : points.transcode;
}

/** The keys with the hookpoints of an entrant. */
function withPoints(placed: PlacedKeys, entrant: Entrant, points: ComparePoints): PlacedKeys {
  const pair = ownPair(entrant, points);
  if (!pair) return placed;
  const several = FAMILIES[entrant.type].points === "layers";
  const keys = pointKeys(entrant);
  return new Map([
    ...placed,
    ...keys.map((key, i) => [key, several ? [pair[i]] : pair[i]] as const),
  ]);
}

/** All families of a registry whose hookpoints are known. */
function possible(
  types: readonly Entrant[],
  placed: PlacedKeys,
  points: ComparePoints,
): readonly Entrant[] {
  const store = placed.has("data.activations");
  return types.filter((entrant) => {
    if (store && FAMILIES[entrant.type].points === "one") return true;
    const keys = withPoints(placed, entrant, points);
    return pointKeys(entrant).every((key) => keys.has(key));
  });
}

/** Number of layers that hookpoints name; 1 where they name none. */
async function layersOf(placed: PlacedKeys): Promise<number> {
  const names = placed.get("model.hookpoints") as string[] | undefined;
  const store = placed.get("data.activations") as string | undefined;
  const onnx = placed.get("model.onnx") as string | undefined;
  if (store !== undefined) {
    const { points } = (await openStore(store)).manifest;
    if (!names) return points.filter(({ role }) => role !== "target").length;
    return expandPatterns(names, points.map(({ name }) => name), "Cannot compare").length;
  }
  if (!names || onnx === undefined) return 1;
  return expandHookpoints(await loadModel(onnx), names).length;
}

/**
 * The runs of a comparison, all of them checked.
 * @param all families there are
 * @throws SdmError when one of them cannot be trained, or a key is read by none of them
 */
export async function planComparison(
  { placed: written, source, entrants, points, path }: CompareRequest,
  all: readonly Entrant[],
): Promise<{ l0: number; runs: PlannedRun[] }> {
  const placed: PlacedKeys = new Map(written);
  const l0 = Number(placed.get("dictionary.k") ?? placed.get("dictionary.target_l0") ?? DEFAULT_L0);
  const chosen = entrants ?? possible(all, placed, points);
  if (chosen.length === 0) {
    throw new SdmError("Cannot compare: no hookpoint is named, model.hookpoint is needed", {
      hint: "--hookpoint blocks.0.hook_resid_post",
    });
  }
  const runs: PlannedRun[] = [];
  for (const entrant of chosen) {
    const { points: kind, sequences } = FAMILIES[entrant.type];
    const own = withPoints(placed, entrant, points);
    const name = entrantName(entrant);
    const layers = kind === "layers" ? await layersOf(own) : 1;
    const outputPath = join(path, name.replace(":", "-"));
    const planned = entrantConfig(own, entrant, { l0, layers, outputPath, source, inputs: true });
    const names = pointKeys(entrant).map((key) => own.get(key) ?? null);
    runs.push({ ...planned, name, group: JSON.stringify([kind, sequences, ...names]) });
  }
  const [{ dropped }] = runs;
  const unread = dropped.find((key) => runs.every((run) => run.dropped.includes(key)));
  if (unread === undefined) return { l0, runs };
  throw new SdmError(
    `Cannot compare: ${unread} is given, and none of ${runs.map((run) => run.name).join(", ")} ` +
      "takes it as it is",
    { hint: "sdm train --help says which families read it" },
  );
}
