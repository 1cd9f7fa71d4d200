/**
 * Throws damaged safetensors files at our readers.
 *
 *     deno run -A tests/fuzz/safetensors_fuzz.ts [iterations] [seed]
 *
 * With SDM_PEERS_PYTHON set to a Python that has the safetensors package, every file is also given to the reference
 * reader, and our lenient mode has to say the same: the same tensors or the error of the same name.
 * @module
 */
import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { parseSafetensors, SafetensorsError } from "../../lib/files/safetensors.ts";
import { encodeSafetensors, type MemoryTensor } from "../../lib/files/safetensors_write.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Draws numbers one after the other; a case is the stream of its own step. */
class Draw {
  #next = 0;
  constructor(readonly stream: RandomStream, readonly step: number) {}
  below(bound: number): number {
    return this.stream.below(bound, this.step, this.#next++);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

interface Verdict {
  code: string;
  tensors?: Record<string, [string, number[]]>;
}

function verdict(bytes: Bytes, lenient: boolean): Verdict {
  try {
    const { tensors } = parseSafetensors(bytes, "fuzz", { lenient });
    const facts = [...tensors].map(([name, t]) => [name, [t.dtype, [...t.shape]]]);
    return { code: "ok", tensors: Object.fromEntries(facts) };
  } catch (error) {
    if (error instanceof SafetensorsError) return { code: error.code };
    throw error;
  }
}

function randomTensors(draw: Draw): MemoryTensor[] {
  const count = draw.below(5);
  return Array.from({ length: count }, (_, i) => {
    const shape = Array.from({ length: draw.below(4) }, () => draw.below(4));
    const length = shape.reduce((a, b) => a * b, 1);
    const kinds = [Float32Array, Int32Array, Uint8Array, Float16Array, BigInt64Array, Float64Array];
    const data = new (draw.pick(kinds))(length);
    const bytes = new Uint8Array(data.buffer);
    bytes.forEach((_, j) => bytes[j] = draw.below(256));
    const name = draw.pick(["w", "é", "a/b", "\u{1f600}", '"', "__proto__", ""]) + i;
    return { name, shape, data: data as MemoryTensor["data"] };
  });
}

function checkRoundTrip(tensors: readonly MemoryTensor[], bytes: Bytes): void {
  const back = parseSafetensors(bytes).tensors;
  assert.equal(back.size, tensors.length);
  for (const { name, shape, data } of tensors) {
    const found = back.get(name)!;
    assert.deepEqual(found.shape, shape);
    const raw = (a: MemoryTensor["data"]) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
    assert.deepEqual(raw(found.data), raw(data));
  }
}

const SNIPPETS = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "0",
  "-",
  "1.0",
  "1e0",
  "null",
  "\\u00e9",
  " ",
];
SNIPPETS.push("\\ud800", "18446744073709551616", "9007199254740993", '"F16"', '"BOOL"', "\ufeff");

/** One kind of damage; the header's length is mended where the text changes, so that the text is what is tested. */
function damage(bytes: Bytes, draw: Draw): Bytes {
  const copy = bytes.slice();
  const headerEnd = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  switch (draw.below(5)) {
    case 0: // a byte of the header
      copy[draw.below(headerEnd)] = draw.below(256);
      return copy;
    case 1: // a bit of the header
      copy[draw.below(headerEnd)] ^= 1 << draw.below(8);
      return copy;
    case 2: // cut, or longer
      return draw.below(4) ? copy.slice(0, draw.below(copy.length)) : join(copy, Uint8Array.of(0));
    case 3: { // a piece of text put over or into the header
      const text = new TextDecoder().decode(bytes.subarray(8, headerEnd));
      const at = draw.below(text.length);
      const until = at + draw.below(3);
      const changed = text.slice(0, at) + draw.pick(SNIPPETS) + text.slice(until);
      return rebuild(changed, bytes.subarray(headerEnd));
    }
    default: { // two numbers of the header change places
      const text = new TextDecoder().decode(bytes.subarray(8, headerEnd));
      const numbers = [...text.matchAll(/\d+/g)];
      if (numbers.length === 0) return copy;
      const [a, b] = [draw.pick(numbers), draw.pick(numbers)].sort((x, y) => x.index - y.index);
      if (a.index === b.index) return copy;
      const changed = text.slice(0, a.index) + b[0] +
        text.slice(a.index + a[0].length, b.index) + a[0] + text.slice(b.index + b[0].length);
      return rebuild(changed, bytes.subarray(headerEnd));
    }
  }
}

function join(a: Uint8Array, b: Uint8Array): Bytes {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function rebuild(text: string, data: Uint8Array): Bytes {
  const json = new TextEncoder().encode(text);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return join(join(length, json), data);
}

/** Checks that the strict reader alone makes, or makes before others. */
const EARLIER_WHEN_STRICT = [
  "DuplicateKey",
  "LimitExceeded",
  "InvalidHeaderDeserialization",
  "ValidationOverflow",
];

/** What must hold of any bytes, without a reference to ask. */
function checkBytes(bytes: Bytes): Verdict {
  const strict = verdict(bytes, false);
  const lenient = verdict(bytes, true);
  if (strict.code === "ok") assert.deepEqual(lenient, strict);
  else if (strict.code !== lenient.code) {
    assert.ok(
      EARLIER_WHEN_STRICT.includes(strict.code),
      `strict ${strict.code}, lenient ${lenient.code}`,
    );
  }
  return lenient;
}

async function askReference(program: string, files: readonly Bytes[]): Promise<Verdict[]> {
  const child = new Deno.Command(program, {
    args: [`${import.meta.dirname}/safetensors_reference.py`],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const output = child.output();
  for (const bytes of files) await writer.write(new TextEncoder().encode(bytes.toBase64() + "\n"));
  await writer.close();
  const lines = new TextDecoder().decode((await output).stdout).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Verdict);
}

const PER_TENSOR = ["InvalidOffset", "TensorInvalidInfo", "ValidationOverflow", "MisalignedSlice"];

/** Of two tensors with one range the reference checks either first, as its hash map has it. */
function hasTwins(bytes: Bytes): boolean {
  const text = new TextDecoder().decode(bytes);
  const ranges = [...text.matchAll(/"data_offsets":(\[\d+,\d+\])/g)].map((match) => match[1]);
  return new Set(ranges).size < ranges.length;
}

function sameVerdict(ours: Verdict, theirs: Verdict, bytes: Bytes): boolean {
  if (ours.code !== theirs.code) {
    return PER_TENSOR.includes(ours.code) && PER_TENSOR.includes(theirs.code) && hasTwins(bytes);
  }
  const sorted = (v: Verdict) => Object.entries(v.tensors ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
  return JSON.stringify(sorted(ours)) === JSON.stringify(sorted(theirs));
}

async function main(iterations: number, seed: number): Promise<number> {
  const stream = new RandomStream(seed, "safetensors fuzz");
  const files: Bytes[] = [];
  const verdicts: Verdict[] = [];
  let failed = 0;
  const report = (n: number, error: unknown, bytes: Bytes) => {
    failed++;
    if (failed <= 10) console.log(`case ${n}: ${error}\n  ${JSON.stringify(show(bytes))}`);
  };
  for (let n = 0; n < iterations; n++) {
    const draw = new Draw(stream, n);
    let bytes = new Uint8Array();
    try {
      const tensors = randomTensors(draw);
      bytes = encodeSafetensors(tensors, draw.below(2) ? { metadata: { format: "pt" } } : {});
      checkRoundTrip(tensors, bytes);
      for (let times = draw.below(3); times >= 0; times--) {
        if (bytes.length > 16) bytes = damage(bytes, draw);
        if (bytes.length < 8 || headerTooLong(bytes)) break;
      }
      verdicts.push(checkBytes(bytes));
      files.push(bytes);
    } catch (error) {
      report(n, error, bytes);
    }
  }
  const python = Deno.env.get("SDM_PEERS_PYTHON");
  if (python) {
    const theirs = await askReference(python, files);
    files.forEach((bytes, n) => {
      if (!sameVerdict(verdicts[n], theirs[n], bytes)) {
        report(
          n,
          `ours ${JSON.stringify(verdicts[n])}, theirs ${JSON.stringify(theirs[n])}`,
          bytes,
        );
      }
    });
  }
  const counts = new Map<string, number>();
  for (const { code } of verdicts) counts.set(code, (counts.get(code) ?? 0) + 1);
  const list = [...counts].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`);
  console.log(`outcomes: ${list.join(", ")}${python ? "; compared with the reference" : ""}`);
  console.log(`${iterations - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function headerTooLong(bytes: Bytes): boolean {
  return new DataView(bytes.buffer).getBigUint64(0, true) > BigInt(bytes.length - 8);
}

function show(bytes: Bytes): string {
  return new TextDecoder("latin1").decode(bytes.subarray(0, 400));
}

if (import.meta.main) {
  Deno.exit(await main(Number(Deno.args[0] ?? 20000), Number(Deno.args[1] ?? 0)));
}
