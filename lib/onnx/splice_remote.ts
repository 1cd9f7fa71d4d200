/**
 * A splicer in a thread of its own.
 * @module
 */
import { createSplicer, type SplicerOptions } from "./splice.ts";
import type { Splicer } from "./splice_types.ts";

/** Loads a model for splicing. */
export async function spawnSplicer(options: SplicerOptions): Promise<Splicer> {
  return await createSplicer(options);
}
