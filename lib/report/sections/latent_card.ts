/**
 * One card: what a latent reads (its strongest contexts), how it fires and what it writes.
 * @module
 */
import { formatFigure } from "../../base/format.ts";
import { miniHistogram } from "../charts/mini_histogram.ts";
import { escapeHtml, grouped, percent } from "../html.ts";
import { loneTokenHtml, tokenHtml, visibleToken } from "../token_text.ts";
import type { Context, LatentCard, TokenScore } from "../types.ts";

/** Steps of the tint behind a token; 0 is none. */
export const TINTS = 9;

/** Contexts in view on a card; the others are folded away. */
const IN_VIEW = 10;

/** Step of the tint for an activation as a share of the card's largest: 1 for anything above zero. */
export function tintOf(activation: number, largest: number): number {
  if (!(activation > 0) || !(largest > 0)) return 0;
  return Math.min(TINTS, Math.max(1, Math.ceil(TINTS * activation / largest - 1e-9)));
}

function peakOf(context: Context): number {
  return Math.min(Math.max(0, Math.trunc(context.peak) || 0), context.tokens.length - 1);
}

/** The tokens on which a card's contexts peak, most frequent first, without regard to case and spaces. */
export function peakWords(card: LatentCard, limit = 3): string[] {
  const words = new Map<string, { word: string; count: number }>();
  for (const context of card.contexts) {
    if (context.tokens.length === 0) continue;
    const word = visibleToken(context.tokens[peakOf(context)]).trim() || "␣";
    const known = words.get(word.toLowerCase());
    if (known) known.count++;
    else words.set(word.toLowerCase(), { word, count: 1 });
  }
  return [...words.values()].sort((a, b) => b.count - a.count).slice(0, limit).map((w) => w.word);
}

/** An activation with as many decimals as give the card's largest three digits, so that a column lines up. */
export function activationText(value: number, largest: number): string {
  if (!Number.isFinite(value) || !(largest >= 1e-3) || largest >= 1e5) {
    return formatFigure(value, 3);
  }
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(largest))));
}

function tokensHtml(context: Context, from: number, to: number, largest: number): string {
  const peak = peakOf(context);
  let html = "";
  for (let i = from; i < to; i++) {
    const activation = context.activations[i] ?? 0;
    const tint = tintOf(activation, largest);
    const text = tokenHtml(context.tokens[i]) || (tint > 0 || i === peak ? "<i>∅</i>" : "");
    if (tint === 0 && i !== peak) html += text;
    else {
      html += `<mark class="a${tint}${i === peak ? " peak" : ""}" ` +
        `title="${activationText(activation, largest)}">${text}</mark>`;
    }
  }
  return html;
}

function contextHtml(context: Context, largest: number): string {
  if (context.tokens.length === 0) return "";
  const peak = peakOf(context);
  const value = activationText(context.activations[peak], largest);
  return `<li><b title="activation at the underlined token">${value}</b>` +
    `<span class="l"><span>${tokensHtml(context, 0, peak, largest)}</span></span>` +
    `<span class="r">${tokensHtml(context, peak, context.tokens.length, largest)}</span></li>`;
}

/** Share of the width for the text before the peak, so that both sides of all contexts fit alike. */
export function leftShare(contexts: readonly Context[]): number {
  let left = 1, right = 1;
  for (const context of contexts) {
    const peak = peakOf(context);
    left = Math.max(left, context.tokens.slice(0, peak).join("").length);
    right = Math.max(right, context.tokens.slice(peak).join("").length);
  }
  return Math.min(0.8, Math.max(0.2, left / (left + right)));
}

function scores(title: string, tokens: readonly TokenScore[] | undefined, kind: string): string {
  if (!tokens || tokens.length === 0) return "";
  const most = tokens.reduce((a, t) => Math.max(a, Math.abs(t.score)), 0) || 1;
  const rows = tokens.map((t) => {
    const width = Number((100 * Math.min(1, Math.abs(t.score) / most)).toFixed(0)) || 0;
    const whole = t.token.length > 10 ? ` title="${escapeHtml(visibleToken(t.token))}"` : "";
    return `<li><span class="tok" style="--w:${width}%"${whole}>${loneTokenHtml(t.token)}</span>` +
      `<b>${formatFigure(t.score, 3)}</b></li>`;
  }).join("");
  return `<div class="scores ${kind}"><h4>${title}</h4><ol>${rows}</ol></div>`;
}

function statistics(card: LatentCard): string {
  const often = card.density > 0 && card.density < 0.5
    ? ` <small>1 in ${grouped(1 / card.density)}</small>`
    : "";
  const facts: [string, string][] = [
    ["density", `${percent(card.density)}${often}`],
    ["max", formatFigure(card.maxActivation, 4)],
    ["mean", formatFigure(card.meanActivation, 4)],
  ];
  return facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join("");
}

/** A card as an `<article>` with the id `latent-N`; `data-` attributes carry what sorting needs. */
export function renderCard(card: LatentCard, order: number): string {
  const largest = card.maxActivation > 0
    ? card.maxActivation
    : card.contexts.flatMap((c) => c.activations).reduce((a, b) => Math.max(a, b), 0);
  const items = card.contexts.map((context) => contextHtml(context, largest));
  const list = (part: string[]) => `<ol class="contexts">${part.join("")}</ol>`;
  const folded = items.length > IN_VIEW
    ? `<details class="more"><summary>${items.length - IN_VIEW} more contexts</summary>` +
      `${list(items.slice(IN_VIEW))}</details>`
    : "";
  const contexts = items.length
    ? list(items.slice(0, IN_VIEW)) + folded
    : `<p class="none">It did not fire on the tokens that were searched.</p>`;
  const id = Math.trunc(card.latent);
  const share = Math.round(100 * leftShare(card.contexts));
  const writes = scores("Promotes", card.promoted, "up") +
    scores("Suppresses", card.suppressed, "down");
  return `<article class="card" id="latent-${id}" tabindex="-1" data-latent="${id}" ` +
    `data-order="${order}" data-density="${Number(card.density)}" ` +
    `data-max="${Number(card.maxActivation)}" style="--left:${share}%">` +
    `<header><h3><a href="#latent-${id}">Latent ${id}</a></h3>` +
    `<dl>${statistics(card)}</dl></header>` +
    `<div class="reads"><h4>Strongest contexts</h4>${contexts}</div>` +
    `<aside><h4>Activations where it fires</h4>` +
    `${miniHistogram(card.histogram, `Activations of latent ${id} where it fires`)}` +
    `${writes ? `<div class="writes">${writes}</div>` : ""}</aside></article>`;
}
