/**
 * The checker of every kernel. It runs all cases of a test in one submission and reads them with one wait, and demands:
 * inputs and guard bands untouched, the same bits on a second run, the same bits when matrices are split over several
 * buffers, and results within bounds that come from the operands.
 * @module
 */
import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import { type Command, submit } from "../../lib/gpu/program.ts";
import { readSlices } from "../../lib/gpu/readback.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { Bench } from "./bench.ts";
import { split, whole } from "./device.ts";

/** One case. */
export interface KernelCase {
  /** What is special about it. */
  name: string;
  /** Makes the buffers and the commands; `verify` looks at the result. */
  build(bench: Bench): { commands: readonly Command[]; verify(): void };
}

/** Unit of the last place of float32 at 1. */
export const EPS = 2 ** -23;

/** What `terms` sequential float32 additions of products may lose, relative to the sum of the products' sizes. */
export function sumError(terms: number): number {
  return EPS * (terms + 4);
}

/**
 * Checks all cases on every device of `devices`.
 * @param devices outputs must have the same bits on all of them
 */
export async function checkKernel(
  cases: readonly KernelCase[],
  devices: readonly (() => Promise<Gpu>)[] = [whole, split],
): Promise<void> {
  let first: Map<string, Uint32Array>[] | undefined;
  for (const [i, open] of devices.entries()) {
    const snapshots = await checkOn(await open(), cases, i === 0 ? "" : `device ${i}: `);
    first ??= snapshots;
    cases.forEach(({ name }, c) => sameBits(first![c], snapshots[c], `${name}: on device ${i}`));
  }
}

async function checkOn(
  gpu: Gpu,
  cases: readonly KernelCase[],
  where: string,
): Promise<Map<string, Uint32Array>[]> {
  const running = cases.map(({ name, build }) => {
    const bench = new Bench(gpu);
    return { name, bench, ...build(bench) };
  });
  const run = async () => {
    running.forEach(({ bench }) => bench.reset());
    submit(gpu, running.flatMap(({ commands }) => commands));
    const bytes = await readSlices(gpu, running.flatMap(({ bench }) => bench.slices));
    let at = 0;
    return running.map(({ name, bench }) => {
      const end = at + bench.slices.length;
      explain(where + name, () => bench.take(bytes.slice(at, end)));
      at = end;
      return bench.snapshot();
    });
  };
  const once = await run();
  running.forEach(({ name, verify }) => explain(where + name, verify));
  const again = await run();
  running.forEach(({ name }, c) => sameBits(once[c], again[c], `${where}${name}: on a second run`));
  running.forEach(({ bench }) => bench.destroy());
  return once;
}

function explain(name: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function sameBits(a: Map<string, Uint32Array>, b: Map<string, Uint32Array>, what: string): void {
  for (const [label, words] of a) {
    const other = b.get(label)!;
    assert.equal(words.length, other.length, `${what}: "${label}" has another length`);
    const at = words.findIndex((word, i) => word !== other[i]);
    assert.ok(at < 0, `${what}: word ${at} of "${label}" is ${other[at]}, was ${words[at]}`);
  }
}

/** Demands |got - wanted| <= bound for every number, and that what was bound to be finite is. */
export function assertClose(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  bounds: ArrayLike<number>,
  what: string,
): void {
  assert.equal(got.length, wanted.length, `length of ${what}`);
  for (let i = 0; i < wanted.length; i++) {
    const off = Math.abs(got[i] - wanted[i]);
    if (!(off <= bounds[i])) {
      assert.fail(`${what} ${i} is ${got[i]}, wanted ${wanted[i]} within ${bounds[i]}`);
    }
  }
}

/** The same for matrices. */
export function assertCloseRows(got: Matrix, wanted: Matrix, bounds: Matrix, what: string): void {
  assert.equal(got.length, wanted.length, `rows of ${what}`);
  wanted.forEach((row, r) => assertClose(got[r], row, bounds[r], `${what}, row ${r}, column`));
}

/** Every number times a factor, in size: the usual bound. */
export function scaled(m: Matrix, factor: number): Matrix {
  return m.map((row) => row.map((v) => Math.abs(v) * factor));
}
