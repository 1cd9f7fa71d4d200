/**
 * The report: one HTML page that needs no network, no server and no script to be read.
 * @module
 */
import { createHash } from "node:crypto";
import enhance from "./enhance.js" with { type: "text" };
import { escapeHtml } from "./html.ts";
import { renderCurves } from "./sections/curves.ts";
import { renderDefinitions } from "./sections/definitions.ts";
import { renderDistributions } from "./sections/distributions.ts";
import { renderLatents } from "./sections/latents.ts";
import { renderMetrics } from "./sections/metrics.ts";
import { renderFacts, renderHeader, renderHeadlines } from "./sections/summary.ts";
import style from "./style.css" with { type: "text" };
import type { ReportData } from "./types.ts";

const ICON = "data:image/svg+xml," + encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" ` +
    `fill="#0f6e6a"/><path d="M3 12h2V9H3zm4 0h2V4H7zm4 0h2v-5h-2z" fill="#fff"/></svg>`,
);

const SECTIONS: [string, string][] = [
  ["run", "Run"],
  ["training", "Training"],
  ["metrics", "Metrics"],
  ["distributions", "Distributions"],
  ["latents", "Latents"],
  ["definitions", "Definitions"],
];

/**
 * The page's own rule that it may load nothing: no address at all, and of scripts the one whose hash this is.
 * A token that got past the escaping could still do nothing.
 */
function policy(script: string): string {
  const hash = createHash("sha256").update(script).digest("base64");
  return `default-src 'none'; style-src 'unsafe-inline'; img-src data:; ` +
    `script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

/** Makes the page; a pure function of the data. */
export function renderReport(data: ReportData): string {
  const body = [
    renderHeader(data) + renderHeadlines(data),
    renderFacts(data),
    renderCurves(data),
    renderMetrics(data),
    renderDistributions(data),
    renderLatents(data),
    renderDefinitions(data),
  ].filter(Boolean).join("\n");
  const links = SECTIONS
    .filter(([id]) => body.includes(`<section id="${id}"`))
    .map(([id, name]) => `<a href="#${id}">${name}</a>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(enhance)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="sdm ${escapeHtml(data.version)}">
<title>${escapeHtml(data.title)} · sdm report</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
</head>
<body>
<a class="skip" href="#latents">Skip to the latents</a>
<nav class="sections" aria-label="Sections"><div><a class="home" href="#top">${
    escapeHtml(data.title)
  }</a>${links}</div></nav>
<main>
${body}
</main>
<footer>Made by sdm ${
    escapeHtml(data.version)
  }. This page holds all of its data and loads nothing.</footer>
<script>${enhance}</script>
</body>
</html>
`;
}
