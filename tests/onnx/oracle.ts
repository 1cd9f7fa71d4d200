/** The PyTorch activations of the fixtures, and how far an array is from one of them. */

const HERE = new URL("./fixtures/", import.meta.url);

/** Path of a fixture. */
export function fixture(name: string): string {
  return decodeURIComponent(new URL(name, HERE).pathname);
}

export interface Oracle {
  ids: Int32Array;
  batch: number;
  length: number;
  arrays: Map<string, Float32Array>;
}

/** Reads `<stem>.oracle.json` and `.bin` of the fixtures. */
export function loadOracle(stem: string): Promise<Oracle> {
  return readOracle(fixture(`${stem}.oracle`));
}

/** Reads `<stem>.json` and `.bin`. */
export async function readOracle(stem: string): Promise<Oracle> {
  const index = JSON.parse(await Deno.readTextFile(`${stem}.json`));
  const bytes = await Deno.readFile(`${stem}.bin`);
  const all = new Float32Array(bytes.buffer);
  const arrays = new Map<string, Float32Array>();
  for (const [name, { shape, start }] of Object.entries<Entry>(index.arrays)) {
    arrays.set(name, all.subarray(start, start + shape.reduce((a, b) => a * b, 1)));
  }
  const rows: number[][] = index.ids;
  return {
    ids: Int32Array.from(rows.flat()),
    batch: rows.length,
    length: rows[0].length,
    arrays,
  };
}

type Entry = { shape: number[]; start: number };

/** ‖a − b‖ / ‖b‖; infinite when the lengths differ. */
export function relativeError(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let off = 0, norm = 0;
  for (let i = 0; i < a.length; i++) {
    off += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(off / norm);
}
