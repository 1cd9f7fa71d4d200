/**
 * A text and a model for tests: activations name the token, the position and the whole text before them, so that a row
 * that is mixed up, shifted or taken from another context is seen.
 * @module
 */
import type { RowMaker } from "../../lib/data/context_rows.ts";
import type { PointFacts } from "../../lib/data/types.ts";
import type { ModelRunner } from "../../lib/onnx/types.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import { packContexts, type TokenSet } from "../../lib/text/packing.ts";

export const EOS = 2;
export const POINTS: PointFacts[] = [
  { name: "blocks.0.hook_resid_post", tensor: "/h.0/Add_1_output_0", d: 6 },
  { name: "blocks.1.hook_resid_post", tensor: "/h.1/Add_1_output_0", d: 4 },
];

/** What the model gives for a position: [hash of the prefix, token, position, point, …] in numbers that F16 holds. */
export function activation(ids: ArrayLike<number>, position: number, point: PointFacts): number[] {
  let hash = 7;
  for (let i = 0; i <= position; i++) hash = (hash * 31 + ids[i]) % 2039;
  const row = [hash, ids[position], position, point.d];
  return Array.from({ length: point.d }, (_, j) => j < 4 ? row[j] : (hash % (j + 7)) / 8 - 1);
}

export interface FakeRunner extends ModelRunner {
  /** Runs so far. */
  runs: number;
  /** Called before a run with its number from 1. */
  before?: (run: number) => unknown;
  /** Changes the answer of a run. */
  change?: (arrays: Float32Array[], ids: Int32Array) => void;
  closed: boolean;
}

export function fakeRunner(points = POINTS): FakeRunner {
  const runner: FakeRunner = {
    provider: "wasm",
    taps: points.map((point) => point.tensor),
    runs: 0,
    closed: false,
    async run(ids, batch, length) {
      runner.runs++;
      await runner.before?.(runner.runs);
      const arrays = points.map(({ d }) => new Float32Array(batch * length * d));
      for (let b = 0; b < batch; b++) {
        const own = ids.subarray(b * length, (b + 1) * length);
        for (let i = 0; i < length; i++) {
          points.forEach((p, n) => arrays[n].set(activation(own, i, p), (b * length + i) * p.d));
        }
      }
      runner.change?.(arrays, ids);
      return arrays;
    },
    close() {
      runner.closed = true;
      return Promise.resolve();
    },
  };
  return runner;
}

/** Documents of many lengths in an alphabet of 90 tokens, packed without BOS. */
export async function fakeMaker(
  tokens: number,
  contextSize: number,
  points = POINTS,
): Promise<RowMaker & { runner: FakeRunner }> {
  function* documents() {
    for (let n = 0;; n++) {
      const length = 1 + (n * 37) % 61;
      const codes = Array.from({ length }, (_, i) => 10 + (i * i + 13 * n + (i >> 2) * n) % 90);
      yield { text: String.fromCharCode(...codes), source: `${n}` };
    }
  }
  const tokenizer = {
    path: "fake",
    encode: (text: string) => [...text].map((c) => c.charCodeAt(0)),
    eosId: EOS,
  };
  const options = { contextSize, prependBos: false, maxTokens: tokens };
  const set = await packContexts(documents(), tokenizer, options);
  const kept = keptPositions(set, { excludeTokens: [EOS] });
  return { tokens: set, kept, runner: fakeRunner(points), points, contextsPerRun: 3 };
}

/** The ids of all contexts. */
export function idsOfAll(tokens: TokenSet): Int32Array {
  return tokens.idsOf(0, tokens.contexts);
}

/** All rows of a point in text order, by hand. */
export function allRows(maker: RowMaker, point: PointFacts): number[][] {
  const rows: number[][] = [];
  const { contexts, contextSize } = maker.tokens;
  for (let c = 0; c < contexts; c++) {
    const own = maker.tokens.idsOf(c);
    for (let i = 1; i < contextSize; i++) {
      if (own[i] !== EOS) rows.push(activation(own, i, point));
    }
  }
  return rows;
}

/** The rows of a matrix. */
export function rowsOfMatrix(values: Float32Array, d: number): number[][] {
  return Array.from(
    { length: values.length / d },
    (_, i) => [...values.subarray(i * d, i * d + d)],
  );
}

/** Rows as strings, sorted: equal for equal multisets. */
export function sorted(rows: number[][]): string[] {
  return rows.map((row) => row.join(" ")).sort();
}

export async function inFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
