/**
 * How long training takes when a model makes blocks of rows while a dictionary is trained on the block before. Pure.
 * @module
 */

/** Rows a second. */
export interface Rates {
  /** Of the model, or of the store that is read. */
  model: number;
  /** Of the dictionary's steps. */
  dictionary: number;
}

/** Rates of both when one waits, and when both are at work. */
export interface Pace {
  /** With nothing else at work. */
  alone: Rates;
  /** Both at the same time. */
  together: Rates;
}

/** Seconds of training from its first step, the first block being there. */
export interface PaceSeconds {
  /** In all. */
  seconds: number;
  /** Of these, how many the dictionary waits for rows. */
  dictionaryWaits: number;
  /** Of these, how many the model waits, two blocks being there. */
  modelWaits: number;
}

/**
 * Rates together where they were not measured: where model and dictionary share the same cores each gets half of them,
 * else neither minds the other.
 */
export function togetherOf({ model, dictionary }: Rates, sharedCores: boolean): Rates {
  return sharedCores ? { model: model / 2, dictionary: dictionary / 2 } : { model, dictionary };
}

/**
 * Rate of the dictionary alone where only that beside the model is known: on shared cores the model takes the share of
 * them that its own rate is of the one it has alone.
 */
export function aloneFrom(together: Rates, modelAlone: number, sharedCores: boolean): Rates {
  const taken = sharedCores ? Math.min(0.6, together.model / modelAlone) : 0;
  return { model: modelAlone, dictionary: together.dictionary / (1 - taken) };
}

/**
 * Time of `rows` rows in blocks of `blockRows`: the next block is made while one is trained on, never the one after it.
 */
export function paceSeconds(
  { alone, together }: Pace,
  rows: number,
  blockRows: number,
): PaceSeconds {
  const blocks = Math.ceil(rows / blockRows);
  const last = rows - (blocks - 1) * blockRows;
  const train = blockRows / together.dictionary;
  const load = blockRows / together.model;
  const both = Math.min(train, load);
  // What is left of the slower one when the other has ended goes on alone.
  const dictionaryWaits = (blockRows - both * together.model) / alone.model;
  const modelWaits = (blockRows - both * together.dictionary) / alone.dictionary;
  const lastSeconds = last / alone.dictionary;
  return {
    seconds: (blocks - 1) * (both + dictionaryWaits + modelWaits) + lastSeconds,
    dictionaryWaits: (blocks - 1) * dictionaryWaits,
    modelWaits: (blocks - 1) * modelWaits + lastSeconds,
  };
}
