/**
 * Numbers for people: bytes, durations, rates, counts and figures.
 * @module
 */

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : trimmed(value, 3)} ${BYTE_UNITS[unit]}`;
}

/** Seconds as `850 ms`, `12.3 s`, `4 min 05 s` or `2 h 07 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${trimmed(seconds, 3)} s`;
  const whole = Math.round(seconds);
  const pad = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** `1234567` as `1.23 M`. */
export function formatCount(count: number): string {
  const steps: [number, string][] = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
  for (const [size, name] of steps) {
    if (Math.abs(count) >= size) return `${trimmed(count / size, 3)} ${name}`;
  }
  return trimmed(count, 3);
}

/** A figure with about `digits` significant digits and no needless zeros; `null` and NaN as `n/a`. */
export function formatFigure(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "n/a";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e7)) {
    return value.toExponential(Math.max(0, digits - 1));
  }
  return trimmed(value, digits);
}

function trimmed(value: number, digits: number): string {
  if (value === 0) return "0";
  const decimals = digits - 1 - Math.floor(Math.log10(Math.abs(value)));
  const text = Number(value.toPrecision(digits)).toFixed(Math.min(100, Math.max(0, decimals)));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
