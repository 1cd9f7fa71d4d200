// Activation stores: what is written is what is read, a stopped harvest ends in the same bytes, damage is named.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import type { ProgressEvent } from "../../lib/base/progress.ts";
import { estimateScale, scaleFromNorm } from "../../lib/data/norm.ts";
import { shuffledBatches } from "../../lib/data/shuffled_batches.ts";
import type { StoreManifest } from "../../lib/data/store_manifest.ts";
import { describeStore, openStore, verifyStore } from "../../lib/data/store_reader.ts";
import { storeSource } from "../../lib/data/store_source.ts";
import { type HarvestOptions, harvestToStore } from "../../lib/data/store_writer.ts";
import type { Block, HostSource } from "../../lib/data/types.ts";
import { SafetensorsFile } from "../../lib/files/safetensors.ts";
import { writeSafetensors } from "../../lib/files/safetensors_write.ts";
import {
  activation,
  allRows,
  fakeMaker,
  inFolder,
  POINTS,
  rowsOfMatrix,
  sorted,
} from "./_fakes.ts";

const maker = await fakeMaker(12_000, 16);
const facts = {
  tool: "sdm test",
  model: { id: "fake", onnx_sha256: "00" },
  tokenizer: { id: "fake", sha256: "11" },
  data: { id: "fake", column: "text" },
};

function harvest(path: string, more: Partial<HarvestOptions> = {}, signal?: AbortSignal) {
  const events: ProgressEvent[] = [];
  const options = { ...maker, ...facts, path, shardRows: 4096, ...more };
  return harvestToStore(options, (event) => events.push(event), signal)
    .then((result) => ({ ...result, events }));
}

async function refused(action: () => Promise<unknown>, message: RegExp, hint?: RegExp) {
  await assert.rejects(action, (error: unknown) => {
    assert(error instanceof SdmError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    if (hint) assert.match(error.hint ?? "", hint);
    return true;
  });
}

const readManifest = async (path: string): Promise<StoreManifest> =>
  JSON.parse(await Deno.readTextFile(`${path}/manifest.json`));
const names = async (path: string) =>
  (await Array.fromAsync(Deno.readDir(path))).map((entry) => entry.name).sort();
const epoch = (source: HostSource, number: number): Promise<Block[]> =>
  Array.fromAsync(
    { length: Math.ceil(source.epochRows / source.blockRows) },
    (_, i) => source.load(number, i),
  );

Deno.test("a store holds every row with token, document and position, in text order", async () => {
  await inFolder(async (dir) => {
    const result = await harvest(`${dir}/acts`);
    const { rows } = maker.kept;
    assert(rows > 8192 && rows < 12_288, "two whole shards and a shorter one");
    assert.deepEqual([result.finished, result.rows, result.shards], [true, rows, 3]);
    assert.equal(result.events.at(-1)?.done, rows);
    assert.deepEqual(await names(`${dir}/acts`), [
      "manifest.json",
      "shard-00000.safetensors",
      "shard-00001.safetensors",
      "shard-00002.safetensors",
      "stats.safetensors",
    ]);
    const manifest = await readManifest(`${dir}/acts`);
    assert.deepEqual(manifest.shards.map((s) => [s.first_row, s.rows]), [
      [0, 4096],
      [4096, 4096],
      [8192, rows - 8192],
    ]);
    const wanted = POINTS.map((point) => allRows(maker, point));
    for (const shard of manifest.shards) {
      using file = await SafetensorsFile.open(`${dir}/acts/${shard.file}`);
      assert.equal(file.header.dataStart % 256, 0);
      const own = (all: number[][]) => all.slice(shard.first_row, shard.first_row + shard.rows);
      for (const [p, { name, d }] of POINTS.entries()) {
        assert.equal(file.info(`act.${name}`).dtype, "F16");
        const values = await file.readFloat32(`act.${name}`);
        // The fake activations are numbers that F16 holds exactly, but for the fractions.
        const rounded = own(wanted[p]).map((row) => [...new Float16Array(row)]);
        assert.deepEqual(rowsOfMatrix(values, d), rounded);
      }
      const token = await file.read("token"),
        doc = await file.read("doc"),
        pos = await file.read("pos");
      assert.equal(token.constructor, Int32Array);
      assert.equal(doc.constructor, Uint32Array);
      assert.deepEqual([...token], own(wanted[0]).map((row) => row[1]));
      assert.deepEqual([...pos], own(wanted[0]).map((row) => row[2]));
      assert(doc[0] <= doc[doc.length - 1] && doc[doc.length - 1] < maker.tokens.documents);
    }
    await verifyStore(await openStore(`${dir}/acts/`));
    assert.match(
      describeStore(await openStore(`${dir}/acts`)),
      /^\d.* k rows of blocks\.0.*\(6, F16\), .* in 3 shards$/,
    );
  });
});

Deno.test("manifest and statistics are those of the rows", async () => {
  await inFolder(async (dir) => {
    await harvest(dir, { dtype: "F32" });
    const manifest = await readManifest(dir);
    assert.equal(manifest.format, "sdm-activations");
    assert.equal(manifest.order, "sequential");
    assert.deepEqual(manifest.model, facts.model);
    assert.equal(manifest.tokenizer.prepend_bos, false);
    assert.equal(manifest.data.ctx_len, 16);
    assert.equal(manifest.data.packing, "eos-joined");
    assert.deepEqual(manifest.dropped.positions, [0]);
    assert.deepEqual(manifest.dropped.tokens, [2]);
    assert.deepEqual(manifest.points[1], {
      name: POINTS[1].name,
      tap: POINTS[1].tensor,
      role: "input",
      d: 4,
      dtype: "F32",
    });
    using stats = await SafetensorsFile.open(`${dir}/stats.safetensors`);
    assert.equal((await stats.read("n"))[0], BigInt(maker.kept.rows));
    for (const { name, d } of POINTS) {
      const rows = allRows(maker, POINTS.find((p) => p.name === name)!)
        .map((row) => [...Float32Array.from(row)]);
      const mean = (f: (row: number[]) => number) =>
        rows.reduce((sum, row) => sum + f(row), 0) / rows.length;
      const close = (a: number, b: number) =>
        assert(Math.abs(a - b) <= 1e-6 * Math.abs(b), `${a} ${b}`);
      const norm = manifest.norm[name];
      close(norm.mean_l2, mean((row) => Math.hypot(...row)));
      close(norm.rms, Math.sqrt(mean((row) => row.reduce((s, v) => s + v * v, 0)) / d));
      assert.equal(norm.max_abs, Math.max(...rows.flat().map(Math.abs)));
      const means = await stats.readFloat32(`mean.${name}`);
      const squares = await stats.read(`sum_squares.${name}`);
      for (let j = 0; j < d; j++) {
        close(means[j], mean((row) => row[j]));
        close(Number(squares[j]) / rows.length, mean((row) => row[j] ** 2));
      }
    }
  });
});

Deno.test("a harvest that was stopped and continued gives the bytes of one that was not", async () => {
  await inFolder(async (dir) => {
    await harvest(`${dir}/whole`);
    const control = new AbortController();
    const own = await fakeMaker(12_000, 16);
    // Within the second shard: the first is on disk, the second is lost.
    own.runner.before = (run) => run === 130 && control.abort();
    const stopped = await harvest(`${dir}/twice`, own, control.signal);
    assert.deepEqual([stopped.finished, stopped.rows, stopped.shards], [false, 4096, 1]);
    assert.deepEqual(await names(`${dir}/twice`), [
      "manifest.partial.json",
      "shard-00000.safetensors",
    ]);
    await refused(() => openStore(`${dir}/twice`), /its harvest is not finished/, /continues it/);
    // Another number of contexts a run is no other harvest.
    const other = { ...await fakeMaker(12_000, 16), contextsPerRun: 5 };
    const runs = other.runner.runs;
    const resumed = await harvest(`${dir}/twice`, other);
    assert.deepEqual([resumed.finished, resumed.resumedRows], [true, 4096]);
    assert.equal(runs, 0);
    assert(other.runner.runs < 110, `${other.runner.runs} runs: the first shard is not run again`);
    assert.deepEqual(await names(`${dir}/twice`), await names(`${dir}/whole`));
    for (const name of await names(`${dir}/whole`)) {
      if (name === "manifest.json") continue;
      const a = await Deno.readFile(`${dir}/whole/${name}`),
        b = await Deno.readFile(`${dir}/twice/${name}`);
      assert(a.length === b.length && a.every((byte, i) => byte === b[i]), name);
    }
    const [a, b] = [await readManifest(`${dir}/whole`), await readManifest(`${dir}/twice`)];
    assert.deepEqual({ ...a, created: "" }, { ...b, created: "" });
  });
});

Deno.test("a crash between shard and state loses one shard of work, no more", async () => {
  await inFolder(async (dir) => {
    const own = await fakeMaker(12_000, 16);
    own.runner.before = (run) => {
      if (run === 200) throw new Error("power");
    };
    await assert.rejects(() => harvest(dir, own), /power/);
    // A torn file of the next shard, as a crash would leave it.
    await Deno.writeTextFile(`${dir}/shard-00002.safetensors`, "torn");
    const resumed = await harvest(dir);
    assert.deepEqual([resumed.finished, resumed.resumedRows], [true, 8192]);
    await verifyStore(await openStore(dir));
  });
});

Deno.test("a folder in use is not written over, and another harvest is not continued", async () => {
  await inFolder(async (dir) => {
    await harvest(`${dir}/a`);
    await refused(() => harvest(`${dir}/a`), /already holds an activation store/, /--overwrite/);
    const again = await harvest(`${dir}/a`, { overwrite: true, dtype: "BF16" });
    assert.equal(again.resumedRows, 0);
    assert.equal((await readManifest(`${dir}/a`)).points[0].dtype, "BF16");
    const control = new AbortController();
    const own = await fakeMaker(12_000, 16);
    own.runner.before = (run) => run === 130 && control.abort();
    await harvest(`${dir}/b`, own, control.signal);
    await refused(
      () => harvest(`${dir}/b`, { model: { id: "other" } }),
      /Cannot continue the harvest in ".*": it was started with another "model"/,
      /--overwrite/,
    );
    const shorter = await fakeMaker(11_000, 16);
    await refused(() => harvest(`${dir}/b`, shorter), /another "rows"/);
    await Deno.truncate(`${dir}/b/shard-00000.safetensors`, 1000);
    await refused(() => harvest(`${dir}/b`), /shard ".*shard-00000\.safetensors" has 1000 bytes/);
    await Deno.remove(`${dir}/b/shard-00000.safetensors`);
    await refused(() => harvest(`${dir}/b`), /shard-00000\.safetensors" is missing/);
    assert((await harvest(`${dir}/b`, { overwrite: true })).finished);
  });
});

Deno.test("element types: F16 where values are small, BF16 where not, never an infinity", async () => {
  await inFolder(async (dir) => {
    const big = await fakeMaker(12_000, 16);
    big.runner.change = (arrays) => arrays[1].forEach((v, i) => arrays[1][i] = v * 40);
    await harvest(`${dir}/big`, big);
    assert.deepEqual((await readManifest(`${dir}/big`)).points.map((p) => p.dtype), [
      "F16",
      "BF16",
    ]);
    await refused(
      () => harvest(`${dir}/no`, { ...big, dtype: "F16" }),
      /Cannot store activations of "blocks\.1.*" as F16: one is \d+, at most 65504 fits/,
      /BF16/,
    );
    assert.ok(!(await names(dir)).includes("no"), "nothing half-written is left");
    // Small in the first shard and too large later.
    const late = await fakeMaker(12_000, 16);
    late.runner.change = (arrays) => {
      if (late.runner.runs > 150) arrays[0][6 * 16 + 6] = 1e6;
    };
    await refused(() => harvest(`${dir}/late`, late), /as F16: one is 1000000, at most 65504/);
    await refused(() => harvest(`${dir}/x`, { shardRows: 5000 }), /a multiple of 4096 is needed/);
  });
});

Deno.test("a source of a store gives every row once an epoch, pure in (epoch, index)", async () => {
  await inFolder(async (dir) => {
    await harvest(dir, { dtype: "F32" });
    const options = { seed: 3, blockRows: 1024, batchRows: 64 };
    const source = await storeSource(dir, options);
    assert.equal(source.epochRows, Math.floor(maker.kept.rows / 64) * 64);
    const exact = await storeSource(dir, { ...options, batchRows: 1 });
    const blocks = await epoch(exact, 1);
    for (const [p, point] of POINTS.entries()) {
      const rows = blocks.flatMap((block) => rowsOfMatrix(block.points[p], point.d));
      const wanted = allRows(maker, point).map((row) => [...Float32Array.from(row)]);
      assert.deepEqual(sorted(rows), sorted(wanted));
      // Every block is a mix: its rows come from all shards.
      const shardOf = new Map(wanted.map((row, i) => [row.join(" "), Math.floor(i / 4096)]));
      const shards = rowsOfMatrix(blocks[0].points[p], point.d).map((r) =>
        shardOf.get(r.join(" "))
      );
      assert.equal(new Set(shards).size, 3);
    }
    const fresh = await storeSource(await openStore(dir), { ...options, batchRows: 1 });
    for (const index of [5, 0, 5]) assert.deepEqual(await fresh.load(1, index), blocks[index]);
    assert.notDeepEqual(await fresh.load(0, 0), blocks[0]);
    const second = await storeSource(dir, { ...options, points: [POINTS[1].name], batchRows: 1 });
    assert.deepEqual(second.points, [POINTS[1]]);
    assert.deepEqual((await second.load(0, 2)).points[0].length, 1024 * 4);
    await refused(
      () => storeSource(dir, { ...options, points: ["blocks.1.hook_resid_pst"] }),
      /it is not in the store/,
      /blocks\.1\.hook_resid_post/,
    );
    await refused(
      () => storeSource(dir, { ...options, batchRows: 1e6 }),
      /has \d+ rows, one batch needs/,
    );
    await assert.rejects(() => source.load(0, 999), RangeError);
  });
});

Deno.test("batches and scale from a store", async () => {
  await inFolder(async (dir) => {
    await harvest(dir, { dtype: "F32" });
    const { norm, rows } = await readManifest(dir);
    const options = { seed: 3, blockRows: 512, batchRows: 64 };
    const make = async () => shuffledBatches(await storeSource(dir, options), options);
    const source = await make();
    const whole = await estimateScale(source, {
      maxBatches: 1e9,
      maxRows: 1e9,
      batchesPerEpoch: source.batchesPerEpoch,
    });
    whole.forEach((estimate) => {
      const known = scaleFromNorm(estimate.name, 6, norm[estimate.name].mean_l2, rows);
      assert(Math.abs(estimate.meanNorm / known.meanNorm - 1) < 0.01);
    });
    assert.deepEqual(await (await make()).batch(70), await source.batch(70));
  });
});

Deno.test("damage is one sentence that names the shard", async () => {
  await inFolder(async (dir) => {
    await refused(
      () => openStore(`${dir}/none`),
      /"[^"]*none": it does not exist, a folder that sdm/,
    );
    await refused(() => openStore(dir), /it has no "manifest\.json"/);
    await harvest(`${dir}/a`, { dtype: "F32" });
    const shard = `${dir}/a/shard-00001.safetensors`;
    const bytes = await Deno.readFile(shard);
    const open = () => openStore(`${dir}/a`);
    await Deno.truncate(shard, bytes.length - 100);
    await refused(open, /shard "shard-00001\.safetensors" has \d+ bytes, \d+ bytes are needed/);
    await Deno.remove(shard);
    await refused(open, /shard "shard-00001\.safetensors" is missing/);

    // The right length and a header that is not one.
    await Deno.writeFile(shard, new Uint8Array(bytes.length).fill(0xff));
    await refused(open, /Cannot read safetensors ".*shard-00001\.safetensors"/);
    const manifest = await readManifest(`${dir}/a`);
    const rewrite = async (change: (value: StoreManifest) => void) => {
      const value = structuredClone(manifest);
      change(value);
      await Deno.writeTextFile(`${dir}/a/manifest.json`, JSON.stringify(value));
    };
    // A shard of another shape that fits its entry in length.
    const reshape = async (rows: number, d: number, name = POINTS[0].name) => {
      const { bytes } = await writeSafetensors(shard, [
        { name: `act.${name}`, shape: [rows, d], data: new Float32Array(rows * d) },
        { name: `act.${POINTS[1].name}`, shape: [rows, 4], data: new Float32Array(rows * 4) },
      ]);
      await rewrite((value) => value.shards[1].bytes = bytes);
    };
    await reshape(4095, 6);
    await refused(
      open,
      /"shard-00001\.safetensors" has 4095 rows of "blocks\.0.*", 4096 are needed/,
    );
    await reshape(4096, 7);
    await refused(open, /has "blocks\.0\.hook_resid_post" of width 7, width 6 is needed/);
    await reshape(4096, 6, "other");
    await refused(open, /has no tensor "act\.blocks\.0\.hook_resid_post"/);

    await Deno.writeFile(shard, bytes);
    await rewrite((value) => value.shards[1].first_row = 5);
    await refused(open, /manifest.*: shard "shard-00001\.safetensors" starts at row 5, row 4096/);
    await rewrite((value) => value.rows++);
    await refused(open, /its shards have \d+ rows, \d+ are needed/);
    await rewrite((value) => value.format = "other" as "sdm-activations");
    await refused(open, /field "format" is wrong/);
    await rewrite((value) => value.shards[0].file = "../x");
    await refused(open, /field "shards\.0\.file" is wrong/);
    await Deno.writeTextFile(`${dir}/a/manifest.json`, "{");
    await refused(open, /Cannot read store manifest/);
  });
});

Deno.test("changed bytes are found by their hash, and a NaN when it is read", async () => {
  await inFolder(async (dir) => {
    await harvest(dir, { dtype: "F32" });
    const path = `${dir}/shard-00001.safetensors`;
    const bytes = await Deno.readFile(path);
    using file = await SafetensorsFile.open(path);
    const { begin } = file.info(`act.${POINTS[0].name}`);
    const view = new DataView(bytes.buffer, file.header.dataStart + begin);
    view.setFloat32(4 * (6 * 1234 + 5), NaN, true);
    await Deno.writeFile(path, bytes);
    const store = await openStore(dir);
    await refused(() => verifyStore(store), /shard "shard-00001\.safetensors" was changed/);
    const source = await storeSource(store, { seed: 3, blockRows: 65536, batchRows: 1 });
    await refused(
      () => source.load(0, 0),
      /"blocks\.0\.hook_resid_post": shard ".*shard-00001\.safetensors", row 1234 holds NaN in dimension 5/,
    );
  });
});

Deno.test("a model's NaN stops a harvest", async () => {
  await inFolder(async (dir) => {
    const own = await fakeMaker(12_000, 16);
    own.runner.change = (arrays) => arrays[0][6 * 17 + 2] = NaN;
    await refused(() => harvest(dir, own), /NaN in dimension 2 at context 1, position 1/);
    assert.equal(activation([5], 0, POINTS[0]).length, 6);
  });
});
