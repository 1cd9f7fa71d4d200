import assert from "assert";
import { escapeHtml, percent, readableTime, slug } from "../../lib/report/html.ts";
import { countStatistics } from "../../lib/report/sections/distributions.ts";
import {
  activationText,
  leftShare,
  peakWords,
  tintOf,
  TINTS,
} from "../../lib/report/sections/latent_card.ts";
import { bestOf, metricNames } from "../../lib/report/sections/metrics.ts";
import { briefly } from "../../lib/report/sections/summary.ts";
import style from "../../lib/report/style.css" with { type: "text" };
import { loneTokenHtml, tokenParts, visibleToken } from "../../lib/report/token_text.ts";
import { sampleReport } from "./_sample.ts";

Deno.test("escapeHtml() leaves no character that HTML reads", () => {
  assert.equal(
    escapeHtml(`<a b="c" d='e'>&\``),
    "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;&#96;",
  );
  assert.equal(escapeHtml("\ud83d\u0000x\ty\n"), "\ufffd\ufffdx\ty\n");
});

Deno.test("tokens show what has no shape of its own and keep what has", () => {
  assert.equal(visibleToken(" a\n\t\r\u001b"), " a↵⇥␍␛");
  assert.equal(visibleToken("\u200b\ud800é😀"), "⟨200B⟩⟨D800⟩é😀");
  assert.deepEqual(tokenParts("a\n\nb"), [
    { text: "a", glyph: false },
    { text: "↵↵", glyph: true },
    { text: "b", glyph: false },
  ]);
  assert.equal(loneTokenHtml("  the "), "<i>··</i>the<i>·</i>");
  assert.equal(loneTokenHtml(" "), "<i>·</i>");
  assert.equal(loneTokenHtml(""), "<i>∅</i>");
  assert.equal(loneTokenHtml("<b>"), "&lt;b&gt;");
});

Deno.test("tintOf() gives the top tint to the largest, the first to anything above zero, none to zero", () => {
  assert.equal(tintOf(8, 8), TINTS);
  assert.equal(tintOf(1e-9, 8), 1);
  assert.equal(tintOf(4, 8), 5);
  assert.deepEqual([0, -1, NaN].map((a) => tintOf(a, 8)), [0, 0, 0]);
  assert.equal(tintOf(20, 8), TINTS);
});

/** Contrast of two `#rrggbb` colours as WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [r, g, bl] = [1, 3, 5].map((i) => {
      const v = parseInt(hex.slice(i, i + 2), 16) / 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

Deno.test("text has a contrast of 4.5 on its ground and on every tint, in light and in dark", () => {
  const blocks = [...style.matchAll(/:root \{([^}]*)\}/g)].map((m) => m[1]);
  assert.equal(blocks.length, 2);
  for (const block of blocks) {
    const colour = (name: string) => block.match(new RegExp(`--${name}: (#[0-9a-f]{6});`))![1];
    const grounds = ["page", "panel", "faint", "warm-soft", "accent-soft"];
    for (let tint = 1; tint <= TINTS; tint++) grounds.push(`a${tint}`);
    for (const ground of grounds) {
      const ratio = contrast(colour("ink"), colour(ground));
      assert.ok(ratio >= 4.5, `ink on ${ground}: ${ratio.toFixed(2)}`);
    }
    for (const text of ["muted", "accent", "warm"]) {
      for (const ground of ["page", "panel", "faint"]) {
        const ratio = contrast(colour(text), colour(ground));
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
    const steps = Array.from(
      { length: TINTS },
      (_, i) => contrast(colour("panel"), colour(`a${i + 1}`)),
    );
    assert.ok(steps.every((s, i) => i === 0 || s > steps[i - 1]), "tints grow stronger");
  }
});

Deno.test("bestOf() marks only where better is known and there is something to beat", () => {
  assert.deepEqual(bestOf("recon/fvu", [0.2, 0.1, null]), [false, true, false]);
  assert.deepEqual(bestOf("recon/explained_variance", [0.2, 0.1]), [true, false]);
  assert.deepEqual(bestOf("recon/fvu", [0.10001, 0.100012, 0.3]), [true, true, false]);
  assert.deepEqual(bestOf("recon/fvu", [0.1, 0.1]), [false, false]);
  assert.deepEqual(bestOf("recon/fvu", [0.1, null]), [false, false]);
  assert.deepEqual(bestOf("sparsity/l0", [32, 64]), [false, false]);
  assert.deepEqual(bestOf("toString", [1, 2]), [false, false]);
});

Deno.test("metricNames() keeps areas together in the order in which they come", () => {
  const f = (name: string) => ({ name, value: 1, definition: "" });
  const names = metricNames([
    { name: "a", what: "", figures: [f("recon/fvu"), f("sparsity/l0"), f("recon/mse")] },
    { name: "b", what: "", figures: [f("sparsity/l0"), f("model/kl")] },
  ]);
  assert.deepEqual(names, ["recon/fvu", "recon/mse", "sparsity/l0", "model/kl"]);
});

Deno.test("countStatistics() are mean and quantiles of counted values", () => {
  assert.deepEqual(countStatistics([0, 0, 5, 10, 5]), { mean: 3, median: 3, p5: 2, p95: 4 });
  assert.equal(countStatistics([0, 0]), null);
});

Deno.test("peakWords() counts the tokens under the peaks without case and spaces", () => {
  const context = (token: string) => ({ tokens: ["x", token], activations: [0, 1], peak: 1 });
  const card = {
    ...sampleReport(1, 1).latents[0],
    contexts: [" Whale", " ship", " whale", " ", "whale"].map(context),
  };
  assert.deepEqual(peakWords(card), ["Whale", "ship", "␣"]);
  assert.ok(leftShare(card.contexts) >= 0.2 && leftShare([]) <= 0.8);
});

Deno.test("words for people: activations line up, shares, times, ids, short names", () => {
  assert.deepEqual([12.345, 1].map((a) => activationText(a, 12.345)), ["12.3", "1.0"]);
  assert.equal(activationText(0.0123, 0.5), "0.012");
  assert.deepEqual([0.0032154, 1, 0, 2e-8, NaN, null].map(percent), [
    "0.322 %",
    "100 %",
    "0 %",
    "2.0e-6 %",
    "n/a",
    "n/a",
  ]);
  assert.equal(readableTime("2025-01-02T03:04:05Z"), "2 Jan 2025, 03:04 UTC");
  assert.equal(readableTime("soon"), "soon");
  assert.equal(slug("recon/FVU (v1)"), "recon-fvu-v1");
  assert.equal(briefly("PCA, k largest components a token"), "PCA");
});
