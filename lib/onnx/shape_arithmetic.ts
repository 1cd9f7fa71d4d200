/**
 * Arithmetic of sizes, some of which are symbols.
 * @module
 */
import type { Dim } from "./shape_types.ts";

/** Shape of two arrays after broadcasting. */
export function broadcast(a: Dim[] | undefined, b: Dim[] | undefined): Dim[] | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1, y = b[i - rank + b.length] ?? 1;
    if (x === 1) return y;
    return y === 1 || typeof x === "number" || typeof y !== "number" ? x : y;
  });
}

/** Numbers and symbols whose product the sizes are; a sum in text is one symbol. */
function factorsOf(dims: readonly Dim[]): { count: number; symbols: string[] } {
  let count = 1;
  const symbols: string[] = [];
  for (const dim of dims) {
    const parts = typeof dim === "number" || dim.includes(" ") ? [dim] : dim.split("*");
    for (const part of parts) {
      const number = Number(part);
      if (part !== "" && Number.isFinite(number)) count *= number;
      else symbols.push(String(part));
    }
  }
  return { count, symbols };
}

/** Product of sizes; text when one is a symbol. */
export function product(dims: readonly Dim[]): Dim {
  const { count, symbols } = factorsOf(dims);
  if (symbols.includes("?")) return "?";
  if (symbols.length === 0) return count;
  return [...(count === 1 ? [] : [String(count)]), ...symbols].join("*");
}

/** Arithmetic of sizes, exact for numbers, text for symbols. */
export function combine(op: string, a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") {
    if (op === "Add") return a + b;
    if (op === "Sub") return a - b;
    if (op === "Mul") return a * b;
    if (op === "Div" && b !== 0) return Math.trunc(a / b);
    return "?";
  }
  if ((op === "Add" || op === "Sub") && b === 0) return a;
  if (op === "Sub" && a === b && a !== "?") return 0;
  if (op === "Div") return divide([a], [b]);
  if (op === "Add" && a === 0) return b;
  if ((op === "Add" || op === "Sub") && a !== "?" && b !== "?") {
    return `${a} ${op === "Add" ? "+" : "-"} ${b}`;
  }
  if (op === "Mul" && a !== "?" && b !== "?") return product([a, b]);
  return "?";
}

/** Axis counted from the front; `normal` when none is given. */
export function axisOf(axis: number | undefined, rank: number, normal: number): number {
  const value = axis ?? normal;
  return value < 0 ? value + rank : value;
}

/** What is left of a product of sizes when others are taken out. */
export function divide(dims: readonly Dim[], by: readonly Dim[]): Dim {
  const { count, symbols } = factorsOf(dims), taken = factorsOf(by);
  for (const symbol of taken.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return "?";
    symbols.splice(at, 1);
  }
  const rest = symbols.includes("?") || taken.symbols.includes("?") ? NaN : count / taken.count;
  return Number.isInteger(rest) ? product([rest, ...symbols]) : "?";
}
