/**
 * `deno task size`: lines and bytes a room, and the longest file of each beside its limit.
 * @module
 */
import { LIMITS, lineCount } from "./check/tree.ts";

/** Adds the texts under a folder to the list. */
function walk(folder: string, found: { path: string; lines: number; bytes: number }[]): void {
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) walk(path, found);
    else if (/\.(ts|wgsl|css|js)$/.test(entry.name)) {
      const text = Deno.readTextFileSync(path);
      found.push({ path, lines: lineCount(text), bytes: new TextEncoder().encode(text).length });
    }
  }
}

Deno.chdir(new URL("../", import.meta.url));
const rooms = [
  "shaders",
  ...[...Deno.readDirSync("lib")].filter((e) => e.isDirectory).map((e) => `lib/${e.name}`).sort(),
  "tests",
  "bench",
  "scripts",
];
console.log("room              files   lines      kB   longest");
let total = { files: 0, lines: 0, bytes: 0 };
for (const room of rooms) {
  const files: { path: string; lines: number; bytes: number }[] = [];
  walk(room, files);
  if (files.length === 0) continue;
  const lines = files.reduce((sum, f) => sum + f.lines, 0);
  const bytes = files.reduce((sum, f) => sum + f.bytes, 0);
  total = {
    files: total.files + files.length,
    lines: total.lines + lines,
    bytes: total.bytes + bytes,
  };
  const longest = files.toSorted((a, b) => b.lines - a.lines)[0];
  const limit = LIMITS.find((l) => l.place.test(longest.path))?.lines;
  console.log(
    `${room.padEnd(16)}${String(files.length).padStart(7)}${String(lines).padStart(8)}` +
      `${(bytes / 1000).toFixed(1).padStart(8)}   ${longest.path} ${longest.lines}` +
      (limit ? ` of ${limit}` : ""),
  );
}
console.log(
  `${"all".padEnd(16)}${String(total.files).padStart(7)}${String(total.lines).padStart(8)}` +
    `${(total.bytes / 1000).toFixed(1).padStart(8)}`,
);
