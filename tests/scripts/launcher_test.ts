/** The self-extracting file, with a tiny program inside and the Deno of this test linked instead of copied. */
import assert from "assert";
import { launcherText, packSelfExtracting } from "../../scripts/package/self_extracting.ts";

const PROGRAM = `
if (Deno.args[0] === "wait") {
  Deno.addSignalListener("SIGTERM", () => Deno.exit(9));
  console.log(Deno.pid);
  await new Promise(() => {});
}
const stdin = await new Response(Deno.stdin.readable).text();
console.log(JSON.stringify({ args: Deno.args, stdin, cwd: Deno.cwd() }));
Deno.exit(7);
`;

/** Packs the tiny program; the folder holds everything and goes away with `using`. */
async function packed() {
  const folder = await Deno.makeTempDir({ prefix: "sdm launcher " });
  await Deno.mkdir(`${folder}/stage/program`, { recursive: true });
  await Deno.symlink(await Deno.realPath(Deno.execPath()), `${folder}/stage/deno`);
  await Deno.writeTextFile(`${folder}/stage/program/main.ts`, PROGRAM);
  await Deno.writeTextFile(`${folder}/stage/program/deno.json`, "{}");
  await Deno.mkdir(`${folder}/empty`);
  await packSelfExtracting(`${folder}/stage`, `${folder}/sdm`, "1.2.3");
  return {
    folder,
    file: `${folder}/sdm`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Starts the file in an empty folder with a cache of its own. */
function start(
  pack: { folder: string; file: string },
  args: string[],
  env = {},
): Deno.ChildProcess {
  return new Deno.Command(pack.file, {
    args,
    cwd: `${pack.folder}/empty`,
    env: { XDG_CACHE_HOME: `${pack.folder}/cache`, HOME: `${pack.folder}/home`, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs it to its end. */
async function run(pack: { folder: string; file: string }, args: string[], env = {}, stdin = "") {
  const child = start(pack, args, env);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name);

Deno.test("launcherText() points at the first byte after itself", () => {
  for (const template of ["a @OFFSET@\nb@HASH@\n", "é @OFFSET@ @SYSTEM@"]) {
    const text = launcherText(template, { version: "1", system: "s", hash: "h" });
    const offset = Number(/\d+/.exec(text)![0]);
    assert.equal(offset, new TextEncoder().encode(text).length + 1);
  }
});

Deno.test("a packed file passes arguments, input, exit code and the current folder", async () => {
  await using pack = await packed();
  const args = ["two words", '"quoted"', "$HOME", "", "-x"];
  for (let round = 0; round < 2; round++) {
    const { code, stdout, stderr } = await run(pack, args, {}, "given\n");
    assert.equal(stderr, "");
    assert.equal(code, 7);
    const seen = JSON.parse(stdout);
    assert.deepEqual(seen, {
      args,
      stdin: "given\n",
      cwd: await Deno.realPath(`${pack.folder}/empty`),
    });
    assert.equal(names(`${pack.folder}/cache/sdm`).length, 1);
  }
});

Deno.test("several first starts at once unpack to one folder and all run", async () => {
  await using pack = await packed();
  const results = await Promise.all(Array.from({ length: 5 }, (_, i) => run(pack, [`${i}`])));
  assert.deepEqual(results.map((r) => r.code), [7, 7, 7, 7, 7]);
  assert.equal(names(`${pack.folder}/cache/sdm`).length, 1);
});

Deno.test("a packed file takes the next folder where one cannot be written", async () => {
  await using pack = await packed();
  const nowhere = { XDG_CACHE_HOME: "/dev/null/cache" };
  assert.equal((await run(pack, [], nowhere)).code, 7);
  assert.equal(names(`${pack.folder}/home/.cache/sdm`).length, 1);
  await Deno.mkdir(`${pack.folder}/temp`);
  const temp = { ...nowhere, HOME: "/proc/none", TMPDIR: `${pack.folder}/temp` };
  assert.equal((await run(pack, [], temp)).code, 7);
  assert.equal(names(`${pack.folder}/temp`).length, 1);
});

Deno.test("a damaged file says so in one sentence and leaves nothing behind", async () => {
  await using pack = await packed();
  const { size } = await Deno.stat(pack.file);
  const bytes = await Deno.readFile(pack.file);
  const flipped = bytes.slice();
  flipped[size - 30] ^= 0xff;
  for (const bad of [bytes.slice(0, size - 40), flipped]) {
    await Deno.writeFile(pack.file, bad);
    const env = { TMPDIR: `${pack.folder}/empty` };
    const { code, stdout, stderr } = await run(pack, [], env);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^Cannot start sdm: .*\nHint: .*\n$/);
    assert.deepEqual(names(`${pack.folder}/cache/sdm`), []);
  }
});

Deno.test("a signal reaches the program itself", async () => {
  await using pack = await packed();
  await run(pack, []);
  await using child = start(pack, ["wait"]);
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(Number(new TextDecoder().decode(value)), child.pid);
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 9);
  await reader.cancel();
  await child.stdin.close();
  await child.stderr.cancel();
});
