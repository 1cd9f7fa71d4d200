/**
 * HTML as strings: escaping that hostile text cannot get out of, and ids.
 * @module
 */

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/**
 * Text made safe for element content and for quoted attributes. Control characters (but not tab and line
 * feed) and lone surrogates, which HTML cannot hold, become U+FFFD.
 */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    // deno-lint-ignore no-control-regex -- these are the characters to remove
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"'`]/g, (c) => ENTITIES[c]);
}

/** A name as an id: letters and digits kept, all else `-`; equal names give equal ids. */
export function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "x";
}

/** A whole number with thousands separators: `131,072`. */
export function grouped(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString("en-US") : "n/a";
}

/** A share as a percentage with three digits: `0.32 %`; tiny shares keep their digits. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "n/a";
  const value = share * 100;
  if (value !== 0 && Math.abs(value) < 0.001) return `${value.toExponential(1)} %`;
  return `${Number(value.toPrecision(3))} %`;
}

/** An ISO time as `21 Nov 2025, 03:16 UTC`; text that is no time is returned as it is. */
export function readableTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const day = time.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    timeZone: "UTC",
  });
  return `${day}, ${time.toISOString().slice(11, 16)} UTC`;
}
