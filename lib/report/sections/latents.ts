/**
 * The latents: a tool bar, an index of cards and the cards.
 * @module
 */
import { escapeHtml, grouped, percent } from "../html.ts";
import type { ReportData } from "../types.ts";
import { peakWords, renderCard } from "./latent_card.ts";

const ORDERS: [string, string][] = [
  ["order", "as chosen"],
  ["latent", "latent number"],
  ["-density", "density, highest first"],
  ["density", "density, lowest first"],
  ["-max", "largest activation"],
];

/** Controls that only a script can serve stay hidden until it runs; the layout switch is plain CSS. */
function toolbar(count: number): string {
  const options = ORDERS.map(([value, text]) => `<option value="${value}">${text}</option>`).join(
    "",
  );
  return `<form class="tools" role="search"><label class="js" hidden>Filter ` +
    `<input type="search" id="filter" placeholder="word, token or #number" autocomplete="off" ` +
    `spellcheck="false" aria-describedby="count"></label>` +
    `<label class="js" hidden>Sort by <select id="sort">${options}</select></label>` +
    `<fieldset><legend>Contexts</legend><label><input type="radio" name="layout" id="aligned" ` +
    `checked>aligned</label><label><input type="radio" name="layout" id="wrapped">whole</label>` +
    `</fieldset><output id="count" class="js" hidden>${grouped(count)} latents</output>` +
    `<span class="keys js" hidden><kbd>/</kbd> filter <kbd>j</kbd> <kbd>k</kbd> next, previous</span>` +
    `</form>`;
}

/** The section of latents. */
export function renderLatents(data: ReportData): string {
  const { latents } = data;
  const choice = data.latentChoice ? `<p class="note">${escapeHtml(data.latentChoice)}</p>` : "";
  if (latents.length === 0) {
    return `<section id="latents"><h2>Latents</h2>${choice}<p class="none">No cards.</p></section>`;
  }
  const index = latents.map((card) => {
    const id = Math.trunc(card.latent);
    const words = peakWords(card).map(escapeHtml).join(" · ");
    return `<li data-for="${id}"><a href="#latent-${id}" title="density ` +
      `${percent(card.density)}"><b>${id}</b> <span>${words}</span></a></li>`;
  }).join("");
  return `<section id="latents"><h2>Latents</h2>${choice}${toolbar(latents.length)}` +
    `<nav class="index" aria-label="Index of latents"><ol>${index}</ol></nav>` +
    `<p class="none" id="nothing" hidden>No latent matches.</p>` +
    `<div class="cards">${latents.map(renderCard).join("\n")}</div></section>`;
}
