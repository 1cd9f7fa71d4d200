import assert from "assert";
import { firstF16Overflow, fromBf16, fromF16, toBf16, toF16 } from "../../lib/base/half.ts";

const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer);

Deno.test("toBf16() rounds to the nearest, ties to even", () => {
  // Words whose lower half is below, at and above the midpoint, with an even and an odd upper half.
  const words = new Uint32Array([
    0x3f800000,
    0x3f807fff,
    0x3f808000,
    0x3f808001,
    0x3f818000,
    0xbf818000,
    0x7f7fffff,
    0x00000001,
  ]);
  const expected = [0x3f80, 0x3f80, 0x3f80, 0x3f81, 0x3f82, 0xbf82, 0x7f80, 0x0000];
  assert.deepEqual([...toBf16(new Float32Array(words.buffer))], expected);
});

Deno.test("toBf16() keeps NaN a quiet NaN, infinities, and the sign of zero", () => {
  const words = new Uint32Array([0x7f800001, 0xffc12345, 0x7f800000, 0xff800000, 0x80000000]);
  const bits = [...toBf16(new Float32Array(words.buffer))];
  assert.deepEqual(bits, [0x7fc0, 0xffc1, 0x7f80, 0xff80, 0x8000]);
});

Deno.test("every bfloat16 survives the way to float32 and back", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = toBf16(fromBf16(all));
  for (let i = 0; i < 65536; i++) {
    const isNan = (i & 0x7fff) > 0x7f80;
    assert.equal(back[i], isNan ? i | 0x40 : i);
  }
});

Deno.test("every finite binary16 survives the way to float32 and back", () => {
  const all = new Float16Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
  const floats = fromF16(all);
  const back = new Uint16Array(toF16(floats).buffer);
  for (let i = 0; i < 65536; i++) if (!Number.isNaN(floats[i])) assert.equal(back[i], i);
});

Deno.test("toF16() agrees with nearest-even rounding in exact arithmetic", () => {
  const words = Uint32Array.from({ length: 20000 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 0);
  // Exponents around the range of binary16, subnormal results included.
  words.forEach((w, i) => words[i] = (w & 0x807fffff) | ((98 + (i % 44)) << 23));
  const floats = new Float32Array(words.buffer);
  const halves = toF16(floats);
  floats.forEach((value, i) => {
    if (Math.abs(value) >= 65520) return assert.equal(Math.abs(halves[i]), Infinity);
    const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(value))));
    const step = 2 ** (exponent - 10);
    const scaled = Math.abs(value) / step;
    const low = Math.floor(scaled);
    const rest = scaled - low;
    const rounded = rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
    assert.equal(halves[i], Math.sign(value) * rounded * step);
  });
});

Deno.test("firstF16Overflow() finds finite values that would become infinite and no others", () => {
  const step = new Float32Array(1);
  bitsOf(step)[0] = 0x477fefff; // the float32 below 65520
  assert.equal(firstF16Overflow(Float32Array.of(1, step[0], -step[0], Infinity, NaN)), -1);
  assert.equal(toF16(step)[0], 65504);
  assert.equal(firstF16Overflow(Float32Array.of(0, Infinity, -65520)), 2);
});

Deno.test("conversions fill an array that is given", () => {
  const out = new Float32Array(3);
  assert.equal(fromBf16(Uint16Array.of(0x3f80, 0xc000, 0), out), out);
  assert.deepEqual([...out], [1, -2, 0]);
  fromF16(new Float16Array([0.5, 2, -4]), out);
  assert.deepEqual([...out], [0.5, 2, -4]);
});
