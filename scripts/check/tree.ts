/**
 * What can only be judged with all files in view: circles, a kernel's companions, sizes, and words that tie a text to one
 * machine. Pure: a tree is a map from path to text.
 * @module
 */
import { importFault, resolvePath, roomOf } from "./rooms.ts";

/** Texts by path relative to the repository. */
export type Tree = ReadonlyMap<string, string>;

/** One thing to mend. */
export interface Fault {
  /** The file that has to change. */
  path: string;
  /** What is wrong with it, in one sentence. */
  message: string;
}

const FROM = /^\s*(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']/gm;
const BARE = /^\s*import\s*["']([^"']+)["']/gm;
const DYNAMIC = /\bimport\(\s*["']([^"']+)["']/g;
const WORKER = /\bnew URL\(\s*["']([^"']+\.ts)["']\s*,\s*import\.meta/g;

/** Specifiers that a text imports, loads or starts as a worker. Relies on the form that `deno fmt` gives. */
export function importsOf(text: string): string[] {
  const found: string[] = [];
  for (const pattern of [FROM, BARE, DYNAMIC, WORKER]) {
    for (const match of text.matchAll(pattern)) found.push(match[1]);
  }
  return found;
}

/** Files of the house: those that have a floor. */
function house(tree: Tree): [string, string][] {
  return [...tree].filter(([path]) => roomOf(path) !== undefined && path.endsWith(".ts"));
}

/** Imports against the floors; the lint plugin says the same with line numbers. */
export function floorFaults(tree: Tree): Fault[] {
  return house(tree).flatMap(([path, text]) =>
    importsOf(text).flatMap((specifier) => {
      const message = importFault(path, specifier);
      return message ? [{ path, message: `imports "${specifier}": ${message}` }] : [];
    })
  );
}

/** Circles of imports between files, each named once, from its first file in the alphabet. Types count as well. */
export function circleFaults(tree: Tree): Fault[] {
  const edges = new Map<string, string[]>();
  for (const [path, text] of house(tree)) {
    const targets = importsOf(text).filter((s) => s.startsWith(".")).map((s) =>
      resolvePath(path, s)
    );
    edges.set(path, targets.filter((t) => tree.has(t) && t.endsWith(".ts")));
  }
  const faults: Fault[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string) => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const circle = trail.slice(start);
      const message = `is in a circle of imports: ${[...circle, path].join(" -> ")}`;
      faults.push({ path: circle.toSorted()[0], message });
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of [...edges.keys()].sort()) visit(path);
  return faults;
}

/** The five files of a kernel, by stem. */
export function companionsOf(stem: string): string[] {
  return [
    `shaders/${stem}.wgsl`,
    `lib/kernels/${stem}.ts`,
    `lib/reference/${stem}.ts`,
    `tests/kernels/${stem}_test.ts`,
    `bench/kernels/${stem}_bench.ts`,
  ];
}

/** Stems of the shaders that a wrapper imports. */
function shadersOf(text: string): string[] {
  return importsOf(text).flatMap((s) => /^\.\.\/\.\.\/shaders\/(\w+)\.wgsl$/.exec(s)?.[1] ?? []);
}

/**
 * Kernels that lack a companion. A stem is a kernel when it has a shader, a wrapper that imports one, a test or a bench;
 * files in `lib/kernels` that import no shader are helpers. A shader `stem_variant` that the wrapper `stem` imports is a
 * variant of that kernel and shares its companions.
 */
export function companionFaults(tree: Tree): Fault[] {
  const stems = new Set<string>();
  const variants = new Set<string>();
  for (const [path, text] of tree) {
    const [, folder, stem] =
      /^(shaders|lib\/kernels|tests\/kernels|bench\/kernels)\/(\w+?)(?:_test|_bench)?\.(?:ts|wgsl)$/
        .exec(path) ?? [];
    if (folder === "lib/kernels") {
      const shaders = shadersOf(text);
      if (shaders.length) stems.add(stem);
      for (const s of shaders) if (s.startsWith(`${stem}_`)) variants.add(s);
    } else if (folder === "tests/kernels") {
      if (path.endsWith("_test.ts") && !tree.has(`lib/kernels/${stem}.ts`)) stems.add(stem);
    } else if (folder === "shaders" || path.endsWith("_bench.ts")) stems.add(stem);
  }
  return [...stems].filter((stem) => !variants.has(stem)).sort().flatMap((stem) =>
    companionsOf(stem).filter((path) => !tree.has(path)).map((path) => ({
      path,
      message: `is missing: kernel "${stem}" needs its five companions`,
    }))
  );
}

/** Limits of length by place, in lines. */
export const LIMITS: readonly { place: RegExp; lines: number }[] = [
  { place: /^lib\/.*\.ts$/, lines: 300 },
  { place: /^shaders\/.*\.wgsl$/, lines: 150 },
  { place: /^main\.ts$/, lines: 150 },
];

/** Lines of a text. */
export function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/**
 * Files over the budget, and exceptions that are no longer needed.
 * @param exceptions reason by path; each must still be true
 */
export function sizeFaults(tree: Tree, exceptions: Readonly<Record<string, string>>): Fault[] {
  const faults: Fault[] = [];
  const over = new Set<string>();
  for (const [path, text] of tree) {
    const limit = LIMITS.find((l) => l.place.test(path))?.lines;
    const lines = lineCount(text);
    if (limit !== undefined && lines > limit) {
      over.add(path);
      if (!(path in exceptions)) {
        faults.push({ path, message: `has ${lines} lines, at most ${limit} are allowed here` });
      }
    }
    if (path.endsWith(".wgsl")) {
      const wide = text.split("\n").findIndex((line) => line.length > 100);
      if (wide >= 0) faults.push({ path, message: `line ${wide + 1} is wider than 100 columns` });
    }
  }
  for (const path of Object.keys(exceptions)) {
    if (!over.has(path)) {
      faults.push({
        path,
        message: "is within the budget: drop its exception in scripts/check.ts",
      });
    }
  }
  return faults;
}

/** What must not be in a text, since it is true on one machine only. */
const FORBIDDEN: readonly { pattern: RegExp; what: string }[] = [
  // A path counts where it begins, so that "a/work/b" and "${TMPDIR:-/tmp}" do not.
  {
    pattern: /(?<![\w.\-\/~:}*])\/(?:work|root|home\/\w+|Users\/\w+)\/[\w.]/,
    what: "a path of one machine",
  },
  { pattern: /(?<![\w.\-\/~:}*])\/tmp\/[\w.]/, what: "a path of one machine" },
  { pattern: /\b[A-Z]:\\Users\\/, what: "a path of one machine" },
  {
    pattern:
      /\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|files\.pythonhosted\.org|pypi\.org\/simple|deb\.debian\.org)\b/,
    what: "the host of a package registry",
  },
];

/** Texts that name a machine's own paths or a registry's host. */
export function wordFaults(tree: Tree): Fault[] {
  const faults: Fault[] = [];
  for (const [path, text] of tree) {
    for (const { pattern, what } of FORBIDDEN) {
      const match = pattern.exec(text);
      if (!match) continue;
      const line = lineCount(text.slice(0, match.index + 1));
      faults.push({ path, message: `line ${line} has ${what}: "${match[0]}"` });
    }
  }
  return faults;
}
