/**
 * A JSON parser that hides nothing: duplicate keys are listed, numbers keep their text, objects are Maps
 * (so that `__proto__` is a name like any other), and an error has its place.
 * @module
 */

/** A number as it was written; `JSON.parse` would lose integers above 2^53 and the form `1.0`. */
export class JsonNumber {
  /** Keeps the text of a number token. */
  constructor(readonly text: string) {}
}

/** An object in the order of the text; a key given twice has its last value. */
export class JsonObject {
  /** Members by name. */
  readonly members: Map<string, JsonValue> = new Map();
  /** Keys that were given again, with the value before. */
  readonly duplicates: [key: string, earlier: JsonValue][] = [];
}

/** What a JSON text can hold. */
export type JsonValue = null | boolean | string | JsonNumber | JsonObject | JsonValue[];

/** Where and why a text is not JSON. */
export class JsonSyntaxError extends Error {
  /** Name of the class. */
  override readonly name = "JsonSyntaxError";
  /** An error at the UTF-16 index `at`; `problem` continues "line 1, column 2 …". */
  constructor(readonly problem: string, readonly at: number) {
    super(`${problem} at offset ${at}`);
  }
}

/** Nesting limit, the one of the reference's parser. */
const MAX_DEPTH = 127;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// deno-lint-ignore no-control-regex -- control characters are exactly what must not be in a string
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

class Parser {
  #at = 0;
  #depth = 0;

  constructor(readonly text: string) {}

  document(): JsonValue {
    const value = this.#value();
    this.#space();
    if (this.#at < this.text.length) {
      this.#fail(`has ${this.#found()} after the end of the document`);
    }
    return value;
  }

  #value(): JsonValue {
    this.#space();
    const c = this.text[this.#at];
    if (c === "{") return this.#nested(() => this.#object());
    if (c === "[") return this.#nested(() => this.#array());
    if (c === '"') return this.#string();
    if (c === "-" || (c >= "0" && c <= "9")) return this.#number();
    for (const [word, value] of [["null", null], ["true", true], ["false", false]] as const) {
      if (this.text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    this.#fail(`has ${this.#found()} where a value is needed`);
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.#fail(`is nested more than ${MAX_DEPTH} deep`);
    const value = parse();
    this.#depth--;
    return value;
  }

  #object(): JsonObject {
    const object = new JsonObject();
    this.#at++;
    if (this.#take("}")) return object;
    do {
      this.#space();
      if (this.text[this.#at] !== '"') this.#fail(`has ${this.#found()} where a key is needed`);
      const key = this.#string();
      if (!this.#take(":")) this.#fail(`has ${this.#found()} where ":" is needed`);
      const value = this.#value();
      const earlier = object.members.get(key);
      if (earlier !== undefined) object.duplicates.push([key, earlier]);
      object.members.set(key, value);
    } while (this.#take(","));
    if (!this.#take("}")) this.#fail(`has ${this.#found()} where "," or "}" is needed`);
    return object;
  }

  #array(): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at++;
    if (this.#take("]")) return items;
    do items.push(this.#value()); while (this.#take(","));
    if (!this.#take("]")) this.#fail(`has ${this.#found()} where "," or "]" is needed`);
    return items;
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.text);
    if (!match) this.#fail("has a malformed number");
    if (!Number.isFinite(Number(match[0]))) this.#fail("has a number that is out of range");
    this.#at = NUMBER.lastIndex;
    return new JsonNumber(match[0]);
  }

  #string(): string {
    const start = this.#at++;
    let value = "";
    while (true) {
      PLAIN.lastIndex = this.#at;
      value += PLAIN.exec(this.text)![0];
      this.#at = PLAIN.lastIndex;
      const c = this.text[this.#at];
      if (c === '"') break;
      if (c !== "\\") this.#fail(`has ${this.#found()} inside a string`);
      value += this.#escape();
    }
    this.#at++;
    // The text itself comes from valid UTF-8, so a lone surrogate can only be an escape.
    if (!value.isWellFormed()) {
      this.#at = start;
      this.#fail("has a string with half of a surrogate pair");
    }
    return value;
  }

  #escape(): string {
    const letter = this.text[this.#at + 1];
    if (letter === "u") {
      const hex = this.text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail("has a malformed escape");
      this.#at += 6;
      return String.fromCharCode(parseInt(hex, 16));
    }
    if (!Object.hasOwn(ESCAPES, letter ?? "")) this.#fail("has a malformed escape");
    this.#at += 2;
    return ESCAPES[letter];
  }

  #take(punctuation: string): boolean {
    this.#space();
    if (this.text[this.#at] !== punctuation) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (" \t\n\r".includes(this.text[this.#at] ?? "x")) this.#at++;
  }

  #found(): string {
    const c = this.text[this.#at];
    return c === undefined ? "its end" : JSON.stringify(String.fromCodePoint(c.codePointAt(0)!));
  }

  #fail(problem: string): never {
    throw new JsonSyntaxError(problem, this.#at);
  }
}

/**
 * Parses a whole JSON text.
 * @throws {JsonSyntaxError} with the place of the first thing that is wrong.
 */
export function parseStrictJson(text: string): JsonValue {
  return new Parser(text).document();
}

/** Line and column, both from 1, of a UTF-16 index in a text. */
export function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return { line, column: at - (before.lastIndexOf("\n") + 1) + 1 };
}
