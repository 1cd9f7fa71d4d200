import assert from "assert";
import { join } from "node:path";
import { sha256File } from "../../lib/files/hash.ts";
import {
  checkpointPath,
  checkpointSteps,
  readCheckpointState,
} from "../../lib/train/checkpoint.ts";
import { sdm } from "../cli/_sdm.ts";
import { withFolder } from "../files/folder.ts";
import { plantedRows } from "../models/planted.ts";
import {
  configOf,
  EVENTFUL,
  metricsOf,
  outcomeOf,
  plantedStore,
  POINT,
  train,
  writeStore,
} from "./runs.ts";

Deno.test("sdm train takes flags over a store; its errors are one sentence with exit code 2", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    await plantedStore(store);
    const small = ["--batch-tokens", "64", "--training-tokens", "640", "--output-path", run];
    const base = ["train", "--activations", store, ...small, "--d-sae", "96", "--k", "3"];
    const cases: [string[], RegExp][] = [
      [
        [...base, "--d-in", "32"],
        /^Cannot use the configuration: dictionary.d_in is 32, the activations have width 24$/m,
      ],
      [
        [...base, "--k", "100"],
        /^Cannot use the command line: dictionary.k is 100 and d_sae is 96, at most d_sae /,
      ],
      [
        ["train", "--activations", join(folder, "none"), ...small],
        /^Cannot open activation store ".*none": it does not exist, a folder that sdm harvest /,
      ],
      [
        [...base, "--hookpoint", "blocks.1.hook_resid_post"],
        /^Cannot read "blocks.1.hook_resid_post" from activation store .*\nHint: did you mean /,
      ],
    ];
    await Promise.all(cases.map(async ([args, pattern], i) => {
      const { code, out, err } = await sdm([...args, "--output-path", join(folder, `run${i}`)]);
      assert.match(err, pattern);
      assert.equal(
        err.trim().split("\n").filter((line) => !line.startsWith("Hint: ")).length,
        1,
        err,
      );
      assert.deepEqual([code, out], [2, ""]);
    }));

    const good = await sdm([...base, "--json"]);
    assert.equal(good.code, 0, good.err);
    const result = JSON.parse(good.out);
    assert.deepEqual([result.step, result.finished], [10, true]);
    const before = await outcomeOf(run);
    const again = await sdm(base);
    assert.equal(again.code, 2);
    assert.match(
      again.err,
      /^Cannot write to ".*run": it already holds a run \("manifest.json"\), .*\nHint: --resume /,
    );
    assert.deepEqual(await outcomeOf(run), before, "the run that was there is whole");
    const anew = await sdm([...base, "--overwrite"]);
    assert.equal(anew.code, 0, anew.err);
    assert.deepEqual(await outcomeOf(run), before, "and the same flags give the same bits");
  }));

Deno.test("training on a store lowers the loss", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    await plantedStore(store);
    const values = { ...EVENTFUL, "train.training_tokens": 64 * 120, "optimizer.lr": 1e-2 };
    const { figures } = await train(await configOf(store, run, values));
    const lines = await metricsOf(run);
    assert.ok(lines[0]["recon/fvu"] > 0.8);
    assert.ok(figures["recon/fvu"] < 0.3, `FVU ${figures["recon/fvu"]}`);
  }));

/** A store whose second shard is spoilt by `spoil`. */
async function spoiltStore(
  path: string,
  spoil: (x: Float32Array, d: number) => void,
): Promise<void> {
  const { x, d } = plantedRows({ rows: 2048, d: 24, count: 40, active: 3, offset: 2 });
  spoil(x.subarray(1024 * d), d);
  await writeStore(path, x, d);
}

Deno.test("a row that is not finite stops the run, named by shard and row, and earlier checkpoints stay", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    await spoiltStore(store, (x, d) => x[777 * d + 5] = NaN);
    // Blocks of 64 rows, so that the bad row comes late; a line of metrics at each step, so that reads are under way.
    const values = {
      ...EVENTFUL,
      "train.training_tokens": 2048,
      "data.buffer_tokens": 64,
      "train.log_every": 1,
      "train.save_every": 5,
      "dictionary.normalize_activations": "none",
      "dictionary.init_b_dec": "zero",
    };
    await assert.rejects(train(await configOf(store, run, values)), {
      name: "SdmError",
      message: `Cannot use activations of "${POINT}": shard "${store}/shard-00001.safetensors", ` +
        `row 777 holds NaN in dimension 5, finite numbers are needed`,
      exitCode: 2,
    });
    const steps = await checkpointSteps(run);
    assert.ok(steps.length > 0 && steps.at(-1)! < 32);
    assert.ok((await metricsOf(run)).length >= steps.at(-1)!);
  }));

Deno.test("a store that is damaged is refused before anything is written", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    await plantedStore(store);
    const shard = join(store, "shard-00001.safetensors");
    const bytes = await Deno.readFile(shard);
    await Deno.writeFile(shard, bytes.subarray(0, bytes.length - 1));
    const refused = async (message: RegExp) =>
      await assert.rejects(train(await configOf(store, run)), (error: Error) => {
        assert.equal(error.name, "SdmError");
        assert.match(error.message, message);
        return true;
      });
    await refused(
      /^Cannot read activation store ".*store": shard "shard-00001.safetensors" has \d+ bytes, \d+ bytes are needed$/,
    );
    await Deno.remove(shard);
    await refused(/shard "shard-00001.safetensors" is missing/);
    await Deno.remove(join(store, "manifest.json"));
    await refused(/^Cannot open activation store ".*store": it has no "manifest.json"/);
    await assert.rejects(Deno.stat(run), Deno.errors.NotFound, "an empty folder was left behind");
  }));

/** Runs a command of the system; whether it could. */
async function system(...command: string[]): Promise<boolean> {
  const [name, ...args] = command;
  const run = new Deno.Command(name, { args, stdout: "null", stderr: "null" }).output();
  return (await run.catch(() => undefined))?.success === true;
}

Deno.test({
  name:
    "a disk that fills up stops the run with one sentence, and the checkpoint before it is whole",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      const store = join(folder, "store"), run = join(folder, "run");
      await plantedStore(store);
      const config = await configOf(store, run);
      await Deno.mkdir(run);
      const mounted = await system("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", run);
      try {
        if (!mounted) await symlinkToFull(run, 14);
        await assert.rejects(train(config), (error: Error & { exitCode?: number }) => {
          assert.match(
            error.message,
            /^Cannot write ".*step-000000(14|21).*": the disk is full after .* of it, more free space is needed$/,
          );
          assert.equal(error.exitCode, 2);
          return true;
        });
        const steps = await checkpointSteps(run);
        assert.ok(steps.length > 0, "an earlier one is there");
        const state = await readCheckpointState(run, steps.at(-1)!);
        const file = join(checkpointPath(run, steps.at(-1)!), "state.safetensors");
        assert.equal(await sha256File(file), state.sha256);
        const names = [...Deno.readDirSync(join(run, "checkpoints"))].map((entry) => entry.name);
        assert.deepEqual(names.filter((name) => name.includes("partial")), []);

        // With room again, the run goes on to the same end as one that never stopped.
        const room = mounted && await system("mount", "-o", "remount,size=4m", run);
        assert.equal(room, mounted);
        const whole = join(folder, "whole");
        const [a, b] = [
          await train(config, { resume: true }),
          await train(await configOf(store, whole)),
        ];
        assert.equal(a.stateSha256, b.stateSha256);
        assert.deepEqual(await outcomeOf(run), await outcomeOf(whole));
      } finally {
        if (mounted) await system("umount", run);
      }
    }),
});

/** Without the right to mount: the state of a step's checkpoint goes to a device that is always full. */
async function symlinkToFull(run: string, step: number): Promise<void> {
  const partial = join(run, "checkpoints", `step-${String(step).padStart(8, "0")}.partial`);
  await Deno.mkdir(partial, { recursive: true });
  await Deno.symlink("/dev/full", join(partial, "state.safetensors.partial"));
}
