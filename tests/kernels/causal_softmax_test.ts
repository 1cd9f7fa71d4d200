import assert from "assert";
import { causalSoftmax } from "../../lib/kernels/causal_softmax.ts";
import { paddedSize, patternFloats } from "../../lib/kernels/strip.ts";
import {
  causalSoftmax as reference,
  causalSoftmaxBackward,
} from "../../lib/reference/causal_softmax.ts";
import { bitsOf } from "./bench.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase, scaled } from "./check_kernel.ts";
import { asHardware, whole } from "./device.ts";
import { packPatterns, randomPatterns, STRIPS, unpackPatterns } from "./strips.ts";

const FACTOR = 0.7;
const STALE = NaN;

/** Everything that is not a key up to a query's own has to become zero. */
function zeroBeyond(floats: Float32Array, strip: Parameters<typeof paddedSize>[0]): void {
  const { queries, keys } = paddedSize(strip);
  const at = floats.findIndex((v, i) => {
    const query = Math.floor(i / keys) % queries;
    return v !== 0 && (query >= strip.queries || i % keys > strip.firstQuery + query);
  });
  assert.equal(at, -1, `word ${at} of the padding is ${floats[at]}`);
}

const forward: KernelCase[] = STRIPS.map(({ name, strip }, i) => ({
  name,
  build(bench) {
    // Large scores: without the maximum taken off they overflow.
    const scores = randomPatterns(strip, i).map((m) => scaledBy(m, i === 1 ? 300 : 2));
    const pattern = bench.state("pattern", bitsOf(packPatterns(scores, strip, STALE)));
    return {
      commands: [causalSoftmax.record(bench.gpu, {
        strip,
        factor: FACTOR,
        pattern,
        grad: bench.words("grad", new Uint32Array(patternFloats(strip))),
      })],
      verify() {
        const floats = bench.floatsOf(pattern);
        zeroBeyond(floats, strip);
        unpackPatterns(floats, strip).forEach((got, block) => {
          const wanted = reference(scores[block], FACTOR);
          const largest = Math.max(...scores[block].flatMap((row) => [...row].map(Math.abs)));
          const error = EPS * (40 + strip.firstQuery + strip.queries + 4 * largest);
          const bounds = scaled(wanted, error).map((row) => row.map((v) => v + 1e-37));
          assertCloseRows(got, wanted, bounds, `pattern of block ${block}`);
        });
      },
    };
  },
}));

function scaledBy(m: readonly Float64Array[], factor: number): Float64Array[] {
  return m.map((row) => row.map((v) => Math.fround(v * factor)));
}

const backward: KernelCase[] = STRIPS.map(({ name, strip }, i) => ({
  name: `backward: ${name}`,
  build(bench) {
    const patterns = randomPatterns(strip, i)
      .map((m) => reference(m, FACTOR).map((row) => row.map(Math.fround)));
    const grads = randomPatterns(strip, 70 + i);
    const grad = bench.state("grad", bitsOf(packPatterns(grads, strip, STALE)));
    return {
      commands: [causalSoftmax.record(bench.gpu, {
        strip,
        factor: FACTOR,
        pattern: bench.floats("pattern", packPatterns(patterns, strip)),
        grad,
        backward: true,
      })],
      verify() {
        const floats = bench.floatsOf(grad);
        zeroBeyond(floats, strip);
        unpackPatterns(floats, strip).forEach((got, block) => {
          const [p, g] = [patterns[block], grads[block]];
          const wanted = causalSoftmaxBackward(p, g, FACTOR);
          const error = EPS * (16 + strip.firstQuery + strip.queries);
          const bounds = p.map((row, q) => {
            const mean = row.reduce((sum, v, k) => sum + v * Math.abs(g[q][k]), 0);
            return row.map((v, k) => v * (Math.abs(g[q][k]) + mean) * error);
          });
          assertCloseRows(got, wanted, bounds, `grad of block ${block}`);
        });
      },
    };
  },
}));

Deno.test("causalSoftmax normalises over the keys up to the query and clears the rest", () =>
  checkKernel(forward, [whole]));

Deno.test("causalSoftmax goes back to the scores", () => checkKernel(backward, [whole]));

Deno.test("causalSoftmax does both with a workgroup a row", () =>
  checkKernel([...forward, ...backward], [asHardware]));
