// Time from rates: blocks are made while others are trained on, and one of the two waits.
import assert from "assert";
import { aloneFrom, paceSeconds, togetherOf } from "../../lib/train/pace.ts";

const near = (a: number, b: number, what?: string) =>
  assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${what ?? ""} ${a} is not ${b}`);

/** The same by going forward in time, a rate after another. */
function simulate(
  pace: Parameters<typeof paceSeconds>[0],
  rows: number,
  block: number,
): { seconds: number; dictionaryWaits: number } {
  let seconds = 0, waits = 0;
  for (let first = 0; first < rows; first += block) {
    let train = Math.min(block, rows - first);
    let load = first + block < rows ? block : 0;
    while (train > 1e-9 || load > 1e-9) {
      const { model, dictionary } = train > 1e-9 && load > 1e-9 ? pace.together : pace.alone;
      const step = Math.min(
        train > 1e-9 ? train / dictionary : Infinity,
        load > 1e-9 ? load / model : Infinity,
      );
      if (train <= 1e-9) waits += step;
      train -= train > 1e-9 ? step * dictionary : 0;
      load -= load > 1e-9 ? step * model : 0;
      seconds += step;
    }
  }
  return { seconds, dictionaryWaits: waits };
}

Deno.test("paceSeconds() is what a walk through time gives, whoever is faster", () => {
  const cases = [
    { alone: { model: 100, dictionary: 10 }, together: { model: 60, dictionary: 6 } },
    { alone: { model: 10, dictionary: 100 }, together: { model: 6, dictionary: 60 } },
    { alone: { model: 10, dictionary: 10 }, together: { model: 10, dictionary: 10 } },
  ];
  for (const pace of cases) {
    for (const rows of [50, 100, 1000, 1040]) {
      const found = paceSeconds(pace, rows, 100);
      const truth = simulate(pace, rows, 100);
      near(found.seconds, truth.seconds, `${rows}`);
      near(found.dictionaryWaits, truth.dictionaryWaits, `${rows}`);
    }
  }
});

Deno.test("where nothing is shared the slower one sets the pace, where cores are shared times add up", () => {
  const alone = { model: 200, dictionary: 50 };
  const apart = paceSeconds({ alone, together: togetherOf(alone, false) }, 10_000, 100);
  near(apart.seconds, 10_000 / 50);
  assert.equal(apart.dictionaryWaits, 0);
  const shared = paceSeconds({ alone, together: togetherOf(alone, true) }, 10_000, 100);
  near(shared.seconds, 9_900 * (1 / 200 + 1 / 50) + 100 / 50);
});

Deno.test("the dictionary's rate alone is made from the one beside the model", () => {
  const together = { model: 50, dictionary: 30 };
  assert.deepEqual(aloneFrom(together, 100, true), { model: 100, dictionary: 60 });
  assert.deepEqual(aloneFrom(together, 100, false), { model: 100, dictionary: 30 });
  near(aloneFrom({ model: 100, dictionary: 30 }, 100, true).dictionary, 75, "never without end");
});
