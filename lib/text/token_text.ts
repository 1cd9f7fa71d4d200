/**
 * Tokens as a person reads them: byte-level alphabets decoded, stray bytes as `\xNN`.
 * @module
 */
import type { ComponentJson, TokenizerJson } from "./special_tokens.ts";

/** How a vocabulary writes text. */
export type Alphabet = "bytes" | "metaspace" | "plain";

/** How the vocabulary of a tokenizer.json writes text. */
export function alphabetOf(json: TokenizerJson): Alphabet {
  const parts = [...flatten(json.decoder), ...flatten(json.pre_tokenizer)];
  if (parts.some((part) => part.type === "ByteLevel")) return "bytes";
  const pieces = Array.isArray(json.model.vocab) || JSON.stringify(parts).includes("\u2581");
  return pieces ? "metaspace" : "plain";
}

function flatten(part: ComponentJson | null | undefined): ComponentJson[] {
  if (!part) return [];
  return [part, ...[...(part.decoders ?? []), ...(part.pretokenizers ?? [])].flatMap(flatten)];
}

/**
 * Bytes by the character that stands for them in byte-level BPE: printable Latin-1 stands for itself, the other
 * bytes, in order, for the code points from 256 on (the alphabet of GPT-2's tokenizer).
 */
const BYTE_OF: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
    map.set(String.fromCodePoint(printable ? byte : next++), byte);
  }
  return map;
})();

/** The text of one token; bytes that are not whole UTF-8 characters are written `\xNN`. */
export function tokenText(token: string, alphabet: Alphabet): string {
  if (alphabet === "plain") return token;
  if (alphabet === "metaspace") {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    return byte ? readable(Uint8Array.of(parseInt(byte[1], 16))) : token.replaceAll("\u2581", " ");
  }
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTE_OF.get(character);
    // A token that was added by hand is not in the alphabet.
    if (byte === undefined) return token;
    bytes.push(byte);
  }
  return readable(Uint8Array.from(bytes));
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 where it is whole, `\xNN` for every byte that belongs to no whole character. */
function readable(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    let text = "";
    for (let at = 0; at < bytes.length;) {
      const size = wholeCharacter(bytes, at);
      text += size
        ? strict.decode(bytes.subarray(at, at + size))
        : `\\x${bytes[at].toString(16).padStart(2, "0")}`;
      at += size || 1;
    }
    return text;
  }
}

/** Bytes of the whole UTF-8 character at `at`, or 0. */
function wholeCharacter(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  const size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size === 0 || at + size > bytes.length) return 0;
  try {
    strict.decode(bytes.subarray(at, at + size));
    return size;
  } catch {
    return 0;
  }
}
