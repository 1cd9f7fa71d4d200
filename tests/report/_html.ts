/**
 * A strict reader of the HTML that the report writes: it throws where tags do not nest, an attribute is not quoted,
 * an id is used twice or a bare `<` is left, so that passing through it is a test by itself.
 * @module
 */

/** An element of a parsed page. */
export interface Element {
  /** Tag name. */
  name: string;
  /** Attributes, decoded. */
  attributes: Record<string, string>;
  /** Text and elements inside, in order. */
  children: (Element | string)[];
}

const VOID = new Set(["meta", "link", "input", "wbr", "br"]);
/** Elements of SVG that are written closed. */
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<]*")?)*)\s*(\/?)>/y;

/** Text with the entities of the report decoded; any other entity throws. */
export function decode(text: string): string {
  return text.replace(/&(#?\w*);?/g, (whole, name) => {
    const known: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
    if (known[name] && whole.endsWith(";")) return known[name];
    if (/^#\d+$/.test(name)) return String.fromCodePoint(Number(name.slice(1)));
    throw new Error(`entity ${whole}`);
  });
}

/** Parses a whole page. */
export function parsePage(html: string): Element {
  const start = "<!doctype html>\n";
  if (!html.startsWith(start)) throw new Error("no doctype");
  const root: Element = { name: "#page", attributes: {}, children: [] };
  const stack = [root];
  const ids = new Set<string>();
  let at = start.length;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    const top = stack[stack.length - 1];
    if (top.name === "script" || top.name === "style") {
      const end = html.indexOf(`</${top.name}>`, at);
      top.children.push(html.slice(at, end));
      stack.pop();
      at = end + top.name.length + 3;
      continue;
    }
    const text = html.slice(at, open < 0 ? undefined : open);
    if (text) top.children.push(decode(text));
    if (open < 0) break;
    TAG.lastIndex = open;
    const tag = TAG.exec(html);
    if (!tag) throw new Error(`not a tag: ${html.slice(open, open + 60)}`);
    at = TAG.lastIndex;
    const [, closing, name, written, closed] = tag;
    if (closing) {
      if (top.name !== name) throw new Error(`</${name}> closes <${top.name}>`);
      stack.pop();
      continue;
    }
    const attributes: Record<string, string> = {};
    for (const [, key, value] of written.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)) {
      if (key in attributes) throw new Error(`attribute ${key} twice`);
      attributes[key] = decode(value ?? "");
    }
    if ("id" in attributes) {
      if (ids.has(attributes.id)) throw new Error(`id ${attributes.id} twice`);
      ids.add(attributes.id);
    }
    const element: Element = { name, attributes, children: [] };
    top.children.push(element);
    if (!closed && !VOID.has(name)) stack.push(element);
  }
  if (stack.length !== 1) throw new Error(`<${stack[stack.length - 1].name}> is not closed`);
  return root;
}

/** All elements below one that a test accepts, in order. */
export function findAll(root: Element, accept: (e: Element) => boolean): Element[] {
  return root.children.flatMap((child) =>
    typeof child === "string" ? [] : [...(accept(child) ? [child] : []), ...findAll(child, accept)]
  );
}

/** All elements with a class. */
export function byClass(root: Element, name: string): Element[] {
  return findAll(root, (e) => (e.attributes.class ?? "").split(" ").includes(name));
}

/** The element with an id; throws when there is none. */
export function byId(root: Element, id: string): Element {
  const found = findAll(root, (e) => e.attributes.id === id)[0];
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

/** All text inside an element. */
export function textOf(element: Element): string {
  return element.children.map((c) => typeof c === "string" ? c : textOf(c)).join("");
}
