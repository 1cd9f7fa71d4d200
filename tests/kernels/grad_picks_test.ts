import { gradPicks } from "../../lib/kernels/grad_picks.ts";
import { gradPicks as reference } from "../../lib/reference/grad_picks.ts";
import { type PickLists, pursuitFinish } from "../../lib/reference/pursuit_finish.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { byLatent } from "./by_latent.ts";
import { assertCloseRows, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { awkwardPicks, heldPicks } from "./pursuit_samples.ts";
import { matrix, sizes } from "./samples.ts";

const WIDTHS = [2, 40, 19, 8, 33, 4, 1];

/** Every row's picks with a number for each column at every pick; those that are not at home give nothing. */
function sharesOf(picks: PickLists, iterations: number, d: number, seed: number) {
  const { homes } = pursuitFinish(picks);
  const all = matrix(picks.length * iterations, d, { seed });
  return picks.map((row, r) =>
    row.map((_, t) => homes[r][t] === t ? all[r * iterations + t] : new Float64Array(d))
  );
}

/** The rows of a batch in chunks of `each`, as the block takes them. */
function caseOf(
  { name, latents, iterations, picks }: ReturnType<typeof awkwardPicks>[number],
  index: number,
  each: number,
): KernelCase {
  const d = WIDTHS[index];
  return {
    name: `${name}, d ${d}, ${each} rows at a time`,
    build(bench) {
      const capacity = roundUp(iterations, 4);
      const stride = roundUp(d, 4);
      const shares = sharesOf(picks, iterations, d, 50 + index);
      const { code } = pursuitFinish(picks);
      const held = heldPicks(bench, picks, iterations, { lists: "read", order: "read" });
      const placed = byLatent(bench, code, latents, capacity, [
        "bits",
        "counts",
        "offsets",
        "placed",
      ]);
      const grad = bench.outputRows("grad", latents, d);
      const commands = [];
      for (let first = 0; first < picks.length; first += each) {
        const rows = Math.min(each, picks.length - first);
        // Where no pick is at home stands what poisons every sum.
        const part = new Float32Array(rows * capacity * stride).fill(NaN);
        const { homes } = pursuitFinish(picks);
        picks.slice(first, first + rows).forEach((row, r) =>
          row.forEach((_, t) => {
            if (homes[first + r][t] !== t) return;
            const at = (r * capacity + t) * stride;
            part.fill(0, at, at + stride).set(shares[first + r][t], at);
          })
        );
        commands.push(...gradPicks.record(bench.gpu, {
          code: placed,
          picks: held,
          shares: bench.floats(`shares from ${first}`, part),
          firstRow: first,
          rows,
          grad,
        }));
      }
      return {
        commands,
        verify() {
          const wanted = reference(picks, shares, latents, d);
          const most = reference(picks, shares.map((row) => sizes(row)), latents, d);
          const bounds = most.map((row) => row.map((v) => v * sumError(picks.length)));
          assertCloseRows(bench.matrixOf(grad), wanted, bounds, "gradient");
        },
      };
    },
  };
}

Deno.test("gradPicks adds up what rows give to a latent", () =>
  checkKernel(awkwardPicks().map((p, i) => caseOf(p, i, 1000)), [whole, split]));

Deno.test("gradPicks adds up the same on hardware", () =>
  checkKernel(awkwardPicks().map((p, i) => caseOf(p, i, 1000)), [asHardware]));

Deno.test("the chunks that rows come in change no bits of gradPicks", async () => {
  const some = awkwardPicks();
  for (const [i, p] of some.entries()) {
    if (p.picks.length < 20) continue;
    // The checker compares devices: here the same device with the rows in one chunk and in many.
    const one = caseOf(p, i, 1000), many = caseOf(p, i, 16);
    let chunks = 1000;
    const flip = () => {
      chunks = chunks === 1000 ? 16 : 1000;
      return whole();
    };
    await checkKernel([{
      name: p.name,
      build: (bench) => (chunks === 16 ? one : many).build(bench),
    }], [flip, flip]);
  }
});
