import assert from "assert";
import { join } from "node:path";
import { withFolder } from "../files/folder.ts";
import { configOf, EVENTFUL, outcomeOf, plantedStore, train } from "./runs.ts";

Deno.test("the bits of a run depend neither on how matrices are split over buffers nor on subgroups", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const values = {
      ...EVENTFUL,
      "train.training_tokens": 64 * 14,
      "dictionary.d_sae": 1500,
      // The median is taken of as many rows as one buffer holds.
      "dictionary.init_b_dec": "zero",
    };
    const whole = await train(await configOf(store, join(folder, "whole"), values));
    assert.ok(whole.figures["loss/auxk"] > 0, "AuxK was at work");

    // 64 KiB are a third of W_enc. The split run is stopped once and goes on in one piece.
    const split = { ...values, "gpu.max_binding_bytes": 65536 };
    const run = join(folder, "split");
    await train(await configOf(store, run, split), { stopAfterStep: 9 });
    const joined = await train(await configOf(store, run, values), { resume: true });
    assert.equal(joined.stateSha256, whole.stateSha256);
    assert.deepEqual(await outcomeOf(run), await outcomeOf(join(folder, "whole")));

    const plain = { ...values, "gpu.subgroups": "off" };
    const off = await train(await configOf(store, join(folder, "off"), plain));
    assert.equal(off.stateSha256, whole.stateSha256);
  }));
