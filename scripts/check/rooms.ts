/**
 * The floors of the house as one table, and the two questions asked of it: may this file import that one, may it call this.
 * @module
 */

/** Floor of each room: a file imports only from lower floors or from its own room. */
export const FLOORS: Readonly<Record<string, number>> = Object.freeze({
  "main.ts": 10,
  "mod.ts": 10,
  "lib/commands": 9,
  "lib/report": 8,
  "lib/train": 7,
  "lib/evals": 7,
  "lib/data": 6,
  "lib/config": 6,
  "lib/interop": 6,
  "lib/models": 5,
  "lib/blocks": 4,
  "lib/optim": 4,
  "lib/kernels": 3,
  "lib/gpu": 2,
  "lib/reference": 2,
  "lib/onnx": 2,
  "lib/text": 2,
  "lib/files": 2,
  "lib/tensor": 1,
  "lib/base": 0,
});

/** Imports that the floors would allow and the design forbids, so that neither side can borrow the other's mistake. */
const BANNED_IMPORTS: readonly { from: string; to: string; why: string }[] = [
  "lib/kernels",
  "lib/blocks",
  "lib/models",
].map((from) => ({ from, to: "lib/reference", why: "the truth must stay independent of it" }));

/** Calls that belong to one place: the first pattern that matches decides. */
const BORDERS: readonly { api: RegExp; rooms: readonly string[]; rule: string }[] = [
  {
    api: /^(console\.|Deno\.(stdout|stderr)$)/,
    rooms: ["lib/commands", "main.ts"],
    rule: "only lib/commands prints",
  },
  {
    api:
      /^Deno\.(writeFile|writeTextFile|create|mkdir|remove|rename|truncate|copyFile|link|symlink|chmod|chown|utime|makeTempDir|makeTempFile)(Sync)?$/,
    rooms: ["lib/files"],
    rule: "only lib/files changes the disk",
  },
  {
    api: /^Deno\.open(Sync)?:write$/,
    rooms: ["lib/files"],
    rule: "only lib/files opens files for writing",
  },
  {
    api: /^Deno\.(args|exit|exitCode)$/,
    rooms: ["main.ts"],
    rule: "only main.ts reads argv and sets the exit code",
  },
];

/** Room of a path relative to the repository, or undefined for tests, bench, scripts and what lies beside the house. */
export function roomOf(path: string): string | undefined {
  if (path === "main.ts" || path === "mod.ts") return path;
  const match = /^lib\/[^/]+/.exec(path);
  return match ? match[0] : undefined;
}

/** Joins a relative specifier to the folder of the file that names it; both use `/`. */
export function resolvePath(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.length === 0) return specifier;
      parts.pop();
    } else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/**
 * Why `from` may not import `specifier`, or undefined when it may.
 * @param from path relative to the repository
 * @param specifier as written in the import
 */
export function importFault(from: string, specifier: string): string | undefined {
  const room = roomOf(from);
  if (room === undefined) return undefined;
  const floor = FLOORS[room];
  if (floor === undefined) return `room "${room}" has no floor in scripts/check/rooms.ts`;
  if (/^(npm|jsr|https?):/.test(specifier)) {
    return `"${specifier}" must be pinned in deno.json and imported by its bare name`;
  }
  if (/^node:fs\b/.test(specifier) && room !== "lib/files") {
    return `"${specifier}" can write: only lib/files changes the disk`;
  }
  if (!specifier.startsWith(".")) return undefined;

  const target = resolvePath(from, specifier);
  if (target.startsWith("shaders/")) {
    return room === "lib/kernels" ? undefined : "only lib/kernels imports shader text";
  }
  if (target === "deno.json") return undefined;
  const other = roomOf(target);
  if (other === undefined) return `"${target}" is outside the house`;
  const otherFloor = FLOORS[other];
  if (otherFloor === undefined) return `room "${other}" has no floor in scripts/check/rooms.ts`;
  if (other === room) return undefined;
  const ban = BANNED_IMPORTS.find((b) => b.from === room && b.to === other);
  if (ban) return `${room} never imports ${other}: ${ban.why}`;
  if (otherFloor < floor) return undefined;
  return otherFloor === floor
    ? `${room} and ${other} are both on floor ${floor} and do not know each other`
    : `${room} is on floor ${floor} and imports upward from ${other} on floor ${otherFloor}`;
}

/**
 * Why `path` may not use `api`, or undefined when it may.
 * @param api `console.log`, `Deno.remove`, …; `Deno.open:write` for an open that asks for writing
 */
export function useFault(path: string, api: string): string | undefined {
  const room = roomOf(path);
  if (room === undefined) return undefined;
  const border = BORDERS.find((b) => b.api.test(api));
  if (!border || border.rooms.includes(room)) return undefined;
  return `${api.replace(":write", " for writing")} in ${room}: ${border.rule}`;
}
