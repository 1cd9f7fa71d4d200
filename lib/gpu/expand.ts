/**
 * Expands shader templates: unrolled loops, conditions, constants and shared parts.
 *
 * Unrolling in the text matters because naga guards every loop and every dynamic index, and Deno gives no way to turn
 * that off. Lines that begin with `//#` are directives, so that a template stays readable as WGSL:
 *
 *     //#use linear_id            the text of a shared part
 *     //#if SUBGROUPS             also //#if !NAME, //#else, //#end
 *     //#for i in 0..ROWS         i = 0 … ROWS-1; //#end
 *     let a{{i}} = b{{i * 4 + 1}};
 * @module
 */

/** Values of the names that a template may use; a flag is 0 or 1. */
export type Defines = Readonly<Record<string, number>>;

/** Shared parts by name. */
export type Parts = Readonly<Record<string, string>>;

/** Value of an integer expression of names, numbers, `+ - * / % ( )`; `/` rounds down. */
export function evaluate(expression: string, names: Defines): number {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+|[-+*/%()]/g) ?? [];
  let at = 0;
  const fail = (what: string): never => {
    throw new Error(`Cannot expand shader: ${what} in "${expression}"`);
  };
  const atom = (): number => {
    const token = tokens[at++];
    if (token === undefined) return fail("unexpected end");
    if (token === "(") {
      const value = sum();
      if (tokens[at++] !== ")") fail('missing ")"');
      return value;
    }
    if (token === "-") return -atom();
    if (/^\d/.test(token)) return Number(token);
    if (!(token in names)) return fail(`unknown name "${token}"`);
    return names[token];
  };
  const product = (): number => {
    let value = atom();
    while (tokens[at] === "*" || tokens[at] === "/" || tokens[at] === "%") {
      const op = tokens[at++];
      const right = atom();
      value = op === "*" ? value * right : op === "/" ? Math.floor(value / right) : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") {
      const op = tokens[at++];
      const right = product();
      value = op === "+" ? value + right : value - right;
    }
    return value;
  };
  const value = sum();
  if (at !== tokens.length) fail(`unexpected "${tokens[at]}"`);
  return value;
}

/**
 * Expands a template.
 * @param source template text
 * @param defines values of names
 * @param parts texts for `//#use`
 * @returns WGSL
 */
export function expand(source: string, defines: Defines, parts: Parts = {}): string {
  const out: string[] = [];
  run(source.split("\n"), defines, parts, out);
  return out.join("\n");
}

function run(lines: readonly string[], names: Defines, parts: Parts, out: string[]): void {
  for (let i = 0; i < lines.length; i++) {
    const directive = lines[i].match(/^\s*\/\/#(\w+)\s*(.*?)\s*$/);
    if (!directive) {
      out.push(lines[i].replace(/\{\{(.+?)\}\}/g, (_, e) => String(evaluate(e, names))));
      continue;
    }
    const [, word, rest] = directive;
    if (word === "use") {
      if (parts[rest] === undefined) throw new Error(`Cannot expand shader: no part "${rest}"`);
      run(parts[rest].split("\n"), names, parts, out);
    } else if (word === "if") {
      const { body, otherwise, next } = block(lines, i);
      const negated = rest.startsWith("!");
      const truth = evaluate(negated ? rest.slice(1) : rest, names) !== 0;
      run(truth !== negated ? body : otherwise, names, parts, out);
      i = next;
    } else if (word === "for") {
      const loop = rest.match(/^(\w+) in (.+?)\.\.(.+)$/);
      if (!loop) throw new Error(`Cannot expand shader: malformed loop "${rest}"`);
      const { body, next } = block(lines, i);
      const last = evaluate(loop[3], names);
      for (let v = evaluate(loop[2], names); v < last; v++) {
        run(body, { ...names, [loop[1]]: v }, parts, out);
      }
      i = next;
    } else {
      throw new Error(`Cannot expand shader: unknown directive "${word}"`);
    }
  }
}

function block(
  lines: readonly string[],
  start: number,
): { body: string[]; otherwise: string[]; next: number } {
  let depth = 0;
  const body: string[] = [];
  const otherwise: string[] = [];
  let target = body;
  for (let i = start + 1; i < lines.length; i++) {
    const word = lines[i].match(/^\s*\/\/#(\w+)/)?.[1];
    if (word === "if" || word === "for") depth++;
    if (word === "end" && depth-- === 0) return { body, otherwise, next: i };
    if (word === "else" && depth === 0) target = otherwise;
    else target.push(lines[i]);
  }
  throw new Error(`Cannot expand shader: "${lines[start].trim()}" has no //#end`);
}
