/**
 * The same configuration for several families: each gets the keys that it reads, and the same number of active latents.
 * @module
 */
import { resolve } from "node:path";
import { SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import type { InputsNeeded } from "./check.ts";
import { FAMILIES, PENALISED, type PointsKind } from "./families.ts";
import { type ActivationName, type TypeName, TYPES } from "./names.ts";
import { validateConfig } from "./parse.ts";
import type { PlacedKeys } from "./place.ts";
import { KEY_RULES } from "./rules.ts";
import type { Config } from "./types.ts";

/** A family that takes part, under its default activation or another one. */
export interface Entrant {
  /** The family. */
  type: TypeName;
  /** Another activation than its default. */
  activation?: ActivationName;
}

/** `clt:jumprelu`, or `clt` where the activation is the default. */
export function entrantName({ type, activation }: Entrant): string {
  return activation === undefined ? type : `${type}:${activation}`;
}

/**
 * Reads a list such as `topk,relu,clt:jumprelu`.
 * @throws SdmError for a name that is no family, or an activation that the family does not have
 */
export function parseEntrants(text: string): Entrant[] {
  const found = text.split(",").map((word) => word.trim()).filter(Boolean).map(parseEntrant);
  if (found.length === 0) throw new SdmError(`Cannot read types "${text}": no family is named`);
  const names = found.map(entrantName);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice) throw new SdmError(`Cannot read types "${text}": "${twice}" is there twice`);
  return found;
}

function parseEntrant(word: string): Entrant {
  const [name, activation] = word.replaceAll("-", "_").split(":");
  const type = TYPES.find((known) => known === name);
  if (!type) {
    throw new SdmError(
      `Unknown family "${name}": ${didYouMean(name, TYPES) || `known ones: ${TYPES.join(", ")}`}`,
    );
  }
  if (activation === undefined) return { type };
  const own = FAMILIES[type].activations;
  const known = own.find((one) => one === activation);
  if (!known) {
    throw new SdmError(
      `Unknown activation "${activation}" of ${type}: ${
        didYouMean(activation, own) || `it has ${own.join(", ") || "none"}`
      }`,
    );
  }
  return known === own[0] ? { type } : { type, activation: known };
}

/** What each entrant is given beside the keys that were written down. */
export interface EntrantOptions {
  /** Active latents a token (and layer): `k` where they are counted, `target_l0` where they are penalised. */
  l0: number;
  /** Layers of families that have several; 1 when absent. */
  layers?: number;
  /** Folder of its run. */
  outputPath: string;
  /** Name of the configuration, for errors. */
  source: string;
  /** What must be named. */
  inputs: InputsNeeded;
}

/** A family's configuration, and the keys that were written down and that it does not read. */
export interface EntrantConfig {
  /** The checked configuration. */
  config: Config;
  /** Active latents a token that it is to have, of all layers together. */
  l0: number;
  /** Paths of keys left out. */
  dropped: string[];
}

/** Keys of hookpoints that each kind of family reads. */
const POINT_KEYS: Readonly<Record<PointsKind, readonly string[]>> = {
  one: ["model.hookpoint"],
  pair: ["model.hookpoint", "model.hookpoint_out"],
  layers: ["model.hookpoints", "model.hookpoints_out"],
};
const ALL_POINT_KEYS = [...new Set(Object.values(POINT_KEYS).flat())];

/** Selections that count in each layer by itself; all other gates of several layers count over all of them. */
const BY_LAYER: readonly ActivationName[] = ["topk", "batchtopk"];

/** Keys that the comparison itself decides. */
const DECIDED = ["type", "activation", "encoder", "k", "target_l0"].map((key) =>
  `dictionary.${key}`
);

/** Whether only some families read a key of the dictionary. */
function isOfSome(path: string): boolean {
  return path.startsWith("dictionary.") && KEY_RULES[path]?.when !== undefined;
}

/** Keys of hookpoints that a family needs beside data. */
export function pointKeys({ type }: Entrant): readonly string[] {
  return POINT_KEYS[FAMILIES[type].points];
}

/**
 * The configuration of an entrant.
 * @throws SdmError when what is left is not legal
 */
export function entrantConfig(
  placed: PlacedKeys,
  entrant: Entrant,
  { l0: each, layers = 1, outputPath, source, inputs }: EntrantOptions,
): EntrantConfig {
  const { type, activation = FAMILIES[type].activations[0] } = entrant;
  const legal = (keys: PlacedKeys) => {
    try {
      validateConfig(keys, { source, inputs: false });
      return true;
    } catch (error) {
      if (error instanceof SdmError) return false;
      throw error;
    }
  };
  const counted = activation === undefined || !PENALISED.includes(activation);
  const l0 = FAMILIES[type].points === "layers" ? each * layers : each;
  const asked = activation !== undefined && BY_LAYER.includes(activation) ? each : l0;
  const own: PlacedKeys = new Map([
    ...[...placed].filter(([path]) => !isOfSome(path) && !DECIDED.includes(path)),
    ["output_path", resolve(outputPath)],
    ["dictionary.type", type],
    ...activation === undefined ? [] : [["dictionary.activation", activation] as const],
    [counted ? "dictionary.k" : "dictionary.target_l0", asked],
  ]);
  for (const path of ALL_POINT_KEYS) if (!pointKeys(entrant).includes(path)) own.delete(path);
  // Twice, for keys that are read only because of others.
  const offered = [...placed].filter(([path]) => isOfSome(path) && !DECIDED.includes(path));
  for (const [path, value] of [...offered, ...offered]) {
    if (!own.has(path) && legal(new Map([...own, [path, value]]))) own.set(path, value);
  }
  const dropped = offered.map(([path]) => path).filter((path) => !own.has(path));
  return { config: validateConfig(own, { source, inputs }), l0, dropped };
}
