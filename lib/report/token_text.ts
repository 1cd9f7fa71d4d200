/**
 * Tokens as a reader should see them: white space, control characters and halves of characters get a glyph,
 * so that nothing in a token is invisible and nothing in it can disturb the page.
 * @module
 */
import { escapeHtml } from "./html.ts";

/** A run of a token's text; `glyph` runs stand for something that has no shape of its own. */
export interface TokenPart {
  /** What to print. */
  text: string;
  /** True for a stand-in. */
  glyph: boolean;
}

/** Bidirectional controls, joiners and other characters without width: shown by their number. */
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/;

function glyphOf(char: string): string | null {
  const code = char.codePointAt(0)!;
  if (char === "\n") return "↵";
  if (char === "\t") return "⇥";
  if (char === "\r") return "␍";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  const lone = code >= 0xd800 && code <= 0xdfff;
  if ((code >= 0x80 && code < 0xa0) || lone || INVISIBLE.test(char)) {
    return `⟨${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  }
  return null;
}

/** A token cut into text as it is and stand-ins: `\n` ↵, tab ⇥, U+0007 ␇, a lone surrogate ⟨D83D⟩. */
export function tokenParts(token: string): TokenPart[] {
  const parts: TokenPart[] = [];
  for (const char of token) {
    const glyph = glyphOf(char);
    const last = parts[parts.length - 1];
    if (last && last.glyph === (glyph !== null)) last.text += glyph ?? char;
    else parts.push({ text: glyph ?? char, glyph: glyph !== null });
  }
  return parts;
}

/** A token as plain visible text, with its spaces as they are. */
export function visibleToken(token: string): string {
  return tokenParts(token).map((part) => part.text).join("");
}

/** A token as HTML inside running text: stand-ins in `<i>`, spaces as they are. */
export function tokenHtml(token: string): string {
  return tokenParts(token)
    .map((part) => part.glyph ? `<i>${escapeHtml(part.text)}</i>` : escapeHtml(part.text))
    .join("");
}

/** A token as HTML on its own: also spaces at its ends (· each) and the empty token (∅) are seen. */
export function loneTokenHtml(token: string): string {
  if (token === "") return "<i>∅</i>";
  const lead = token.match(/^ */)![0].length;
  const trail = lead === token.length ? 0 : token.match(/ *$/)![0].length;
  const dots = (n: number) => n > 0 ? `<i>${"·".repeat(n)}</i>` : "";
  return dots(lead) + tokenHtml(token.slice(lead, token.length - trail)) + dots(trail);
}
