/**
 * What this program's side of a case is built from.
 * @module
 */
import { familyOf } from "../../lib/models/mod.ts";
import type { ModelOptions } from "../../lib/models/types.ts";
import { benchOptions } from "../models.ts";
import type { PeerCase } from "./types.ts";

/** Learning rate of both. */
export const LEARNING_RATE = 1e-3;

/** Steps of a run at most: rows of the metrics ring. */
export const MOST_STEPS = 256;

/** The options of this program's side. */
export function optionsOf({ type, shape, options }: PeerCase): ModelOptions {
  const { auxkCoefficient: _, ...all } = benchOptions(familyOf(type), shape, {
    clipGradNorm: 1,
    ...options,
  });
  return { ...all, auxkCoefficient: 0, ringSlots: MOST_STEPS };
}
