/**
 * The end of the page: every metric's definition, and the words that the page uses.
 * @module
 */
import { escapeHtml, slug } from "../html.ts";
import { metricFacts } from "../metric_facts.ts";
import type { ReportData } from "../types.ts";
import { metricNames } from "./metrics.ts";

const WORDS: [string, string][] = [
  [
    "Latent",
    "One unit of the dictionary: a direction in activation space with an encoder that says when it is " +
    "present. Other programs say feature.",
  ],
  ["Activation", "How strongly a latent is present at a token; zero on almost all tokens."],
  ["Density", "The share of held-out tokens on which a latent fires, that is, is not zero."],
  [
    "Context",
    "Text around a strong activation. Tokens are tinted by activation as a share of the card's largest; " +
    "the one that the context was chosen for is underlined.",
  ],
  [
    "Promoted, suppressed",
    "Tokens whose next-token scores the latent's decoder row raises or lowers most, straight through the " +
    "unembedding. This is what the latent writes; the contexts are what it reads.",
  ],
];

/** Definitions of the metrics on the page, then the words. */
export function renderDefinitions(data: ReportData): string {
  const figures = data.contenders.flatMap((c) => c.figures);
  const metrics = metricNames(data.contenders).map((name) => {
    const { better } = metricFacts(name);
    const definition = figures.find((f) => f.name === name)?.definition ?? "";
    return `<div id="def-${slug(name)}"><dt><code>${escapeHtml(name)}</code></dt><dd>` +
      `${escapeHtml(definition)}${better ? ` <em>${better} is better</em>` : ""}</dd></div>`;
  }).join("");
  const columns = data.contenders.map((c) =>
    `<div><dt>${escapeHtml(c.name)}</dt><dd>${escapeHtml(c.what)}</dd></div>`
  ).join("");
  const words = WORDS.map(([word, text]) => `<div><dt>${word}</dt><dd>${text}</dd></div>`).join("");
  return `<section id="definitions"><h2>Definitions</h2>` +
    `${metrics ? `<dl class="definitions">${metrics}</dl>` : ""}` +
    `${columns ? `<h3>What is compared</h3><dl class="definitions">${columns}</dl>` : ""}` +
    `<h3>Words</h3><dl class="definitions">${words}</dl></section>`;
}
