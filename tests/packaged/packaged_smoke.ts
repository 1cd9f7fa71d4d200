/**
 * Uses the packed program as someone would who has nothing but the file: in an empty folder, without Deno, without network.
 *
 *     deno run -A tests/packaged/packaged_smoke.ts dist/sdm
 * @module
 */
import assert from "assert";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname).replace(/\/$/, "");
const given = Deno.args[0];
if (given === undefined) {
  console.error("Cannot test the packed program: no path was given, its file is needed");
  Deno.exit(2);
}

const folder = await Deno.makeTempDir({ prefix: "sdm packed " });
const program = `${folder}/sdm`;
await Deno.copyFile(given, program);
await Deno.chmod(program, 0o755);
const empty = `${folder}/empty`;
await Deno.mkdir(empty);

/** What the program may know of this machine: no Deno on PATH, no proxy that answers. */
const env: Record<string, string> = {
  PATH: "/usr/bin:/bin",
  HOME: `${folder}/home`,
  LANG: "C.UTF-8",
  NO_COLOR: "1",
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
};

/** Runs the packed program in the empty folder. */
async function sdm(
  ...args: string[]
): Promise<{ code: number; out: string; err: string; ms: number }> {
  const started = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: empty,
    clearEnv: true,
    env,
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr), ms: performance.now() - started };
}

/** Milliseconds of `sdm --help`, on the clock and of the processor; the shell knows what its children took. */
async function helpTimes(): Promise<{ wall: number; cpu: number }> {
  const started = performance.now();
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", '"$0" --help >/dev/null && times', program],
    cwd: empty,
    clearEnv: true,
    env,
    stdin: "null",
  }).output();
  const wall = performance.now() - started;
  // The second line is of the children: `0m0.05s 0m0.02s`.
  const children = new TextDecoder().decode(stdout).trim().split("\n")[1] ?? "";
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map((m) => 60 * +m[1] + +m[2]);
  assert.equal(seconds.length, 2, `the shell's times are "${children}"`);
  return { wall, cpu: 1000 * (seconds[0] + seconds[1]) };
}

/** Runs it and demands success. */
async function good(...args: string[]): Promise<string> {
  const { code, out, err } = await sdm(...args);
  assert.equal(code, 0, `sdm ${args.join(" ")}\n${out}\n${err}`);
  return out;
}

const demo = `${ROOT}/models/demo`;
const run = `${empty}/run`;
const cases: [string, () => Promise<string | void>][] = [
  ["the first start unpacks, the next are quick", async () => {
    const first = await sdm("--version");
    assert.equal(first.code, 0, first.err);
    const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
    assert.equal(first.out.trim(), version);
    const starts: { wall: number; cpu: number }[] = [];
    for (let i = 0; i < 8; i++) starts.push(await helpTimes());
    const [wall, cpu] = (["wall", "cpu"] as const)
      .map((kind) => Math.min(...starts.map((s) => s[kind])));
    // The machines that run this are shared: what others do adds to the clock on the wall, not to this.
    assert.ok(cpu < 150, `the quickest of eight starts computed for ${cpu.toFixed(0)} ms`);
    const megabytes = ((await Deno.stat(program)).size / 1e6).toFixed(0);
    return `${megabytes} MB, first ${first.ms.toFixed(0)} ms, then ${wall.toFixed(0)} ms, ` +
      `${cpu.toFixed(0)} ms of them computing`;
  }],
  ["it finds the adapter and runs models on every provider", async () => {
    const facts = JSON.parse(await good("doctor", "--json"));
    assert.equal(facts.adapter.trouble, undefined);
    assert.equal(facts.providers.cpu, null);
    assert.equal(facts.providers.wasm, null);
    return facts.adapter.name;
  }],
  ["it lists hookpoints", async () => {
    assert.match(await good("hooks", `${demo}/model.onnx`), /blocks\.2\.hook_resid_post/);
  }],
  ["it trains, measures and reports", async () => {
    const sizes = [
      "--training-tokens",
      "8192",
      "--eval-tokens",
      "2048",
      "--d-sae",
      "512",
      "--k",
      "8",
    ];
    await good("train", `${demo}/demo.toml`, "--output-path", "run", ...sizes);
    const files = [
      "final/cfg.json",
      "final/sae_weights.safetensors",
      "final/sdm.json",
      "report.html",
    ];
    for (const file of files) assert.ok((await Deno.stat(`${run}/${file}`)).size > 0, file);
  }],
  ["it reads parquet packed with zstd, and knows the hub's cache", async () => {
    const texts = `${ROOT}/tests/text/fixtures/texts.parquet`;
    const flags = ["--onnx", `${demo}/model.onnx`, "--text", texts, "--out", "run/acts", "--json"];
    const place = ["--hookpoint", "blocks.1.hook_resid_post", "--context-size", "32"];
    assert.ok(JSON.parse(await good("harvest", ...flags, ...place)).rows > 500);
    const { code, err } = await sdm("hooks", "owner/name", "--offline");
    assert.equal(code, 2);
    assert.match(err, /^Cannot fetch model "owner\/name": it is not in the cache/);
  }],
  ["a mistake is one sentence and exit code 2", async () => {
    const { code, out, err } = await sdm("train", "missing.toml");
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, /^Cannot .*missing\.toml/);
  }],
  ["it leaves nothing in the current folder but the run", () => {
    assert.deepEqual([...Deno.readDirSync(empty)].map((entry) => entry.name), ["run"]);
    return Promise.resolve();
  }],
];

let passed = 0;
try {
  for (const [name, test] of cases) {
    const started = performance.now();
    try {
      const note = await test();
      passed++;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`ok      ${name} (${seconds} s)${note ? `: ${note}` : ""}`);
    } catch (error) {
      console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : error}`);
    }
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
console.log(`${passed} passed, ${cases.length - passed} failed`);
Deno.exit(passed === cases.length ? 0 : 1);
