/** The plan of a pursuit is pure: tested for devices that nobody here owns. */
import assert from "assert";
import {
  GRAM_BUDGET,
  planPursuit,
  pursuitCosts,
  type PursuitShape,
  SCORE_BUDGET,
} from "../../lib/blocks/coders/pursuit_plan.ts";
import type { DeviceFacts } from "../../lib/gpu/facts.ts";

const DEVICES = ["h200", "intel", "lavapipe", "m4", "minimal", "rtx4090"].map((name) => {
  const file = new URL(`../golden/devices/${name}.json`, import.meta.url);
  return JSON.parse(Deno.readTextFileSync(file)) as DeviceFacts;
});

const BASE: PursuitShape = { rows: 2048, d: 768, latents: 8192, iterations: 32, frozen: false };
const SHAPES: PursuitShape[] = [
  { rows: 2048, d: 192, latents: 3072, iterations: 32, frozen: false },
  BASE,
  { ...BASE, latents: 16384 },
  { ...BASE, latents: 32768 },
  { ...BASE, rows: 8192, d: 2304, latents: 16384, iterations: 300 },
  { ...BASE, rows: 131, latents: 1001, iterations: 1 },
];

Deno.test("a plan stays within its budgets and one binding, and covers the rows", () => {
  for (const facts of DEVICES) {
    for (const shape of SHAPES) {
      const plan = planPursuit(Object.freeze({ ...shape }), facts);
      assert.deepEqual(plan, planPursuit(shape, facts));
      const most = Math.min(SCORE_BUDGET, facts.maxBindingBytes);
      assert.ok(plan.scoreBytes <= most && plan.gramBytes <= GRAM_BUDGET);
      assert.equal(plan.scoreBytes, plan.scoreRows * 4 * Math.ceil(shape.latents / 4) * 4);
      assert.ok(plan.shareRows >= 1 && plan.shareRows <= shape.rows);
      const room = Math.ceil(shape.iterations / 4) * 4;
      assert.ok(plan.shareRows * room * shape.d * 4 <= most);
      assert.equal(plan.scoreRows > 0, plan.form === "gram");
      if (plan.scoreRows < shape.rows) assert.equal(plan.scoreRows % 64, 0);
    }
  }
});

Deno.test("the form depends on the shape alone where it fits, so that runs do not", () => {
  for (const shape of SHAPES) {
    const forms = DEVICES.map((facts) => planPursuit(shape, facts).form);
    assert.equal(new Set(forms).size, 1, `${JSON.stringify(shape)}: ${forms}`);
  }
});

Deno.test("products of all latents pay where latents are few beside picks of a batch, and fit", () => {
  const form = (shape: Partial<PursuitShape>) =>
    planPursuit({ ...BASE, ...shape }, DEVICES[0]).form;
  assert.equal(form({}), "gram");
  assert.equal(form({ latents: 16384 }), "gram", "1 GiB");
  assert.equal(form({ latents: 16448 }), "residual", "more than 1 GiB");
  assert.equal(form({ rows: 64, iterations: 2 }), "residual");
  // Two thousand picks do not pay for 64 million products, unless these are there already.
  assert.equal(form({ rows: 64, iterations: 32 }), "residual");
  assert.equal(form({ rows: 64, iterations: 32, frozen: true }), "gram");
  assert.equal(form({ iterations: 1 }), "residual");
});

Deno.test("the Gram form is 1/T + F/(TB) of the products of the other, and the bytes that it moves", () => {
  const { rows, d, latents, iterations } = BASE;
  const { gram, residual } = pursuitCosts(BASE);
  // Products alone, without the bytes that both forms move.
  const moved = iterations * rows * latents * 5;
  const other = residual - 8 * moved;
  const ratio = (gram - 12 * moved) / other;
  const wanted = 1 / iterations + latents / (iterations * rows);
  assert.ok(Math.abs(ratio - wanted) < 1e-9 * wanted, `${ratio}, ${wanted}`);
  assert.ok(12 * moved / other < 100 / d);
});

Deno.test("planPursuit() says what does not fit", () => {
  const facts = { maxBindingBytes: 2 ** 27 };
  assert.throws(() => planPursuit({ ...BASE, latents: 32768 }, facts, "gram"), {
    name: "SdmError",
    message: "Cannot pursue with the products of all latents: 32768 latents need 4 GiB, " +
      "at most 1 GiB are allowed",
  });
  assert.throws(() => planPursuit({ ...BASE, d: 4096, iterations: 16384 }, facts), {
    name: "SdmError",
    hint: "lower dictionary.max_iterations",
  });
  // Too many latents for one binding of a small device: the other form.
  assert.equal(planPursuit(BASE, { maxBindingBytes: 2 ** 20 }, "auto").form, "residual");
});
