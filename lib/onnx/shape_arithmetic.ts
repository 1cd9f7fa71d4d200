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

/** Product of sizes; text when one is a symbol. */
export function product(dims: readonly Dim[]): Dim {
  const numbers = dims.filter((d) => typeof d === "number").reduce((a, b) => a * b, 1);
  const symbols = dims.filter((d) => typeof d === "string");
  if (symbols.includes("?")) return "?";
  if (symbols.length === 0) return numbers;
  return [...(numbers === 1 ? [] : [String(numbers)]), ...symbols].join("*");
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
  const left = dims.filter((d) => typeof d === "string");
  let count = dims.filter((d) => typeof d === "number").reduce((a, b) => a * b, 1);
  for (const d of by) {
    if (typeof d === "number") count /= d;
    else if (left.includes(d)) left.splice(left.indexOf(d), 1);
    else return "?";
  }
  return Number.isInteger(count) ? product([count, ...left]) : "?";
}
