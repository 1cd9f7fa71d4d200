import assert from "assert";
import { formatBytes, formatCount, formatFigure, formatSeconds } from "../../lib/base/format.ts";

Deno.test("formatBytes()", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [128 * 2 ** 20, "128 MiB"],
    [5.25 * 2 ** 30, "5.25 GiB"],
    [3 * 2 ** 50, "3070 TiB"],
    [-2048, "-2 KiB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

Deno.test("formatSeconds()", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [0.0123, "12 ms"],
    [1, "1 s"],
    [12.34, "12.3 s"],
    [60, "1 min 00 s"],
    [245, "4 min 05 s"],
    [3599.6, "1 h 00 min"],
    [7620, "2 h 07 min"],
    [Infinity, "?"],
    [NaN, "?"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatSeconds(seconds), text);
});

Deno.test("formatCount()", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [999, "999"],
    [1000, "1 k"],
    [65536, "65.5 k"],
    [1234567, "1.23 M"],
    [2e9, "2 G"],
    [1.5e13, "15 T"],
  ];
  for (const [count, text] of cases) assert.equal(formatCount(count), text);
});

Deno.test("formatFigure()", () => {
  const cases: [number | null | undefined, string][] = [
    [0.123456, "0.1235"],
    [0.5, "0.5"],
    [32, "32"],
    [0, "0"],
    [-1.5, "-1.5"],
    [12345.6, "12350"],
    [1e-5, "1.000e-5"],
    [2.5e7, "2.500e+7"],
    [null, "n/a"],
    [undefined, "n/a"],
    [NaN, "n/a"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
  ];
  for (const [value, text] of cases) assert.equal(formatFigure(value), text);
  assert.equal(formatFigure(0.123456, 2), "0.12");
});
