/**
 * A lint plugin that holds the floors: editors and `deno lint` mark a wrong import or call at the line where it stands.
 *
 * A plugin sees one syntax tree at a time, exactly; what needs the whole tree of files (circles, companions, sizes) is in
 * `tree.ts`.
 * @module
 */
import { importFault, useFault } from "./rooms.ts";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Path relative to the repository, with `/` between its parts. */
function relative(filename: string): string {
  const path = filename.replaceAll("\\", "/");
  if (path.startsWith(ROOT)) return path.slice(ROOT.length);
  return path.startsWith(ROOT.slice(1)) ? path.slice(ROOT.length - 1) : path;
}

/** The text of a literal node, or undefined. */
function literal(node: { type: string } | null | undefined): string | undefined {
  const value = node?.type === "Literal" ? (node as Deno.lint.Literal).value : undefined;
  return typeof value === "string" ? value : undefined;
}

/** Name of a plain identifier or of a property key. */
function nameOf(node: { type: string }): string | undefined {
  return node.type === "Identifier" ? (node as Deno.lint.Identifier).name : literal(node);
}

/** `console.log` for that member expression; the plain global objects only. */
function apiOf(node: Deno.lint.MemberExpression): string | undefined {
  let object: { type: string } = node.object;
  if (object.type === "MemberExpression") {
    const outer = object as Deno.lint.MemberExpression;
    if (nameOf(outer.object) === "globalThis") object = outer.property;
  }
  const base = nameOf(object);
  const member = nameOf(node.property);
  return (base === "Deno" || base === "console") && member !== undefined
    ? `${base}.${member}`
    : undefined;
}

const WRITING = new Set(["write", "append", "create", "createNew", "truncate"]);

/** True when the options of `Deno.open` ask for writing, or cannot be read here. */
function opensForWriting(call: Deno.lint.CallExpression): boolean {
  const options = call.arguments[1];
  if (options === undefined) return false;
  if (options.type !== "ObjectExpression") return true;
  return options.properties.some((p) => p.type !== "Property" || WRITING.has(nameOf(p.key) ?? ""));
}

const plugin: Deno.lint.Plugin = {
  name: "sdm",
  rules: {
    floors: {
      create(context) {
        const path = relative(context.filename);
        const check = (node: Deno.lint.Node, source: { type: string } | null | undefined) => {
          const specifier = literal(source);
          const fault = specifier === undefined ? undefined : importFault(path, specifier);
          if (fault) context.report({ node, message: fault });
        };
        return {
          ImportDeclaration: (node) => check(node, node.source),
          ExportAllDeclaration: (node) => check(node, node.source),
          ExportNamedDeclaration: (node) => check(node, node.source),
          ImportExpression: (node) => check(node, node.source),
          NewExpression(node) {
            // A worker is loaded by address: new URL("./worker.ts", import.meta.url).
            if (nameOf(node.callee) !== "URL") return;
            if (literal(node.arguments[0])?.endsWith(".ts")) check(node, node.arguments[0]);
          },
        };
      },
    },
    borders: {
      create(context) {
        const path = relative(context.filename);
        const check = (node: Deno.lint.Node, api: string | undefined) => {
          const fault = api === undefined ? undefined : useFault(path, api);
          if (fault) context.report({ node, message: fault });
        };
        return {
          MemberExpression: (node) => check(node, apiOf(node)),
          CallExpression(node) {
            const api = node.callee.type === "MemberExpression" ? apiOf(node.callee) : undefined;
            if (/^Deno\.open(Sync)?$/.test(api ?? "") && opensForWriting(node)) {
              check(node, `${api}:write`);
            }
          },
          VariableDeclarator(node) {
            const base = node.init ? nameOf(node.init) : undefined;
            if (node.id.type !== "ObjectPattern" || (base !== "Deno" && base !== "console")) return;
            for (const p of node.id.properties) {
              if (p.type === "Property") check(node, `${base}.${nameOf(p.key)}`);
            }
          },
        };
      },
    },
  },
};

export default plugin;
