/**
 * Axes of the charts: where a value lies, which values get a tick and how a tick is written.
 * @module
 */

/** A straight map of a domain to pixels, linear or logarithmic. */
export interface Axis {
  /** Smallest and largest value shown. */
  domain: [number, number];
  /** Pixel of either. */
  range: [number, number];
  /** Logarithmic, base ten; the domain is then positive. */
  log: boolean;
  /** Values with a tick, ascending. */
  ticks: number[];
}

/** Pixel of a value; a value outside the domain lands on its nearer end. */
export function place(axis: Axis, value: number): number {
  const [lo, hi] = axis.log ? axis.domain.map(Math.log10) : axis.domain;
  const v = axis.log ? Math.log10(value) : value;
  const share = hi === lo ? 0.5 : Math.min(1, Math.max(0, (v - lo) / (hi - lo)));
  return axis.range[0] + share * (axis.range[1] - axis.range[0]);
}

/** The step of 1, 2 or 5 times a power of ten that cuts `span` into about `count` pieces. */
export function niceStep(span: number, count: number): number {
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

/** A linear axis over the values, from zero when none is negative, ending on a tick. */
export function linearAxis(
  values: readonly number[],
  range: [number, number],
  count = 4,
  tight = false,
): Axis {
  const finite = values.filter(Number.isFinite);
  const least = finite.reduce((a, b) => Math.min(a, b), 0);
  const top = finite.reduce((a, b) => Math.max(a, b), least === 0 ? 0 : -Infinity);
  const most = least === 0 && top === 0 ? 1 : top;
  const span = most - least || Math.abs(most) || 1;
  const step = niceStep(span, count);
  const lo = Math.floor(least / step + 1e-9) * step;
  const hi = tight ? Math.max(most, lo + span) : Math.max(lo + step, ceilStep(most, step));
  const ticks: number[] = [];
  for (let i = Math.round(lo / step); i * step <= hi + step * 1e-6; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return { domain: [lo, hi], range, log: false, ticks };
}

function ceilStep(value: number, step: number): number {
  return Number((Math.ceil(value / step - 1e-9) * step).toPrecision(12));
}

/** A logarithmic axis over the positive values among those given, with ticks at 1, 2 and 5 or at decades. */
export function logAxis(values: readonly number[], range: [number, number]): Axis {
  const logs = values.filter((v) => v > 0 && Number.isFinite(v)).map(Math.log10);
  if (logs.length === 0) return { domain: [0.1, 1], range, log: true, ticks: [0.1, 1] };
  const least = logs.reduce((a, b) => Math.min(a, b));
  const most = logs.reduce((a, b) => Math.max(a, b));
  const leads = most - least > 2.2 ? [1] : most - least > 1 ? [1, 3] : [1, 2, 5];
  const candidates: number[] = [];
  for (let e = Math.floor(least) - 1; e <= Math.ceil(most) + 1; e++) {
    for (const lead of leads) candidates.push(Number(`${lead}e${e}`));
  }
  const lo = candidates.filter((c) => Math.log10(c) <= least + 1e-9).pop()!;
  const hi = candidates.find((c) => Math.log10(c) >= most - 1e-9 && c > lo)!;
  const ticks = candidates.filter((c) => c >= lo && c <= hi);
  const every = Math.ceil(ticks.length / 7);
  return { domain: [lo, hi], range, log: true, ticks: ticks.filter((_, i) => i % every === 0) };
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A power of ten as text: `10⁻³`. */
export function powerOfTen(exponent: number): string {
  const digits = String(Math.abs(exponent)).replace(/\d/g, (d) => SUPERSCRIPTS[Number(d)]);
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** A tick as short text: `0.05`, `20k`, `1.5M`, `10⁻⁶`. */
export function tickText(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  for (const [unit, name] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (size >= unit) return `${Number((value / unit).toPrecision(4))}${name}`;
  }
  if (size >= 1e-3) return String(Number(value.toPrecision(4)));
  const exponent = Math.floor(Math.log10(size) + 1e-9);
  const lead = Number((value / 10 ** exponent).toPrecision(3));
  return lead === 1 ? powerOfTen(exponent) : `${lead}·${powerOfTen(exponent)}`;
}

/** A pixel coordinate with one decimal, as short as it can be. */
export function px(value: number): string {
  return String(Number(value.toFixed(1)));
}
