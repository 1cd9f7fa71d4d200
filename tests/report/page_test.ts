import assert from "assert";
import { createHash } from "node:crypto";
import { renderReport } from "../../lib/report/page.ts";
import type { ReportData } from "../../lib/report/types.ts";
import { byClass, byId, type Element, findAll, parsePage, textOf } from "./_html.ts";
import { sampleReport } from "./_sample.ts";

const SAMPLE = sampleReport(12, 12);
const HTML = renderReport(SAMPLE);
const PAGE = parsePage(HTML);

const named = (root: Element, name: string) => findAll(root, (e) => e.name === name);

function emptyReport(): ReportData {
  return {
    title: "empty",
    created: "not a time",
    facts: [],
    curve: [],
    contenders: [],
    evalTokens: 0,
    logDensities: [],
    silentLatents: 0,
    l0Counts: [],
    latents: [],
    latentChoice: "",
    version: "0",
  };
}

Deno.test("renderReport() is a pure function of its data", () => {
  assert.equal(renderReport(sampleReport(12, 12)), HTML);
});

Deno.test("the page names its run: title, time, version, facts and tokens", () => {
  assert.equal(textOf(named(PAGE, "title")[0]), "demo-topk-blocks-2 · sdm report");
  const head = textOf(byId(PAGE, "top"));
  for (const words of ["20 Nov 2025, 18:42 UTC", "sdm 0.1.0", "131,072", "174 of them silent"]) {
    assert.ok(head.includes(words), words);
  }
  const facts = named(byId(PAGE, "run"), "dt").map(textOf);
  assert.deepEqual(facts, SAMPLE.facts.map(([label]) => label));
});

Deno.test("every link within the page has a target, and no link or resource leaves it", () => {
  const ids = new Set(findAll(PAGE, (e) => "id" in e.attributes).map((e) => e.attributes.id));
  for (const link of findAll(PAGE, (e) => "href" in e.attributes)) {
    const { href } = link.attributes;
    if (link.name === "link") assert.ok(href.startsWith("data:"), href);
    else assert.ok(href.startsWith("#") && ids.has(href.slice(1)), href);
  }
  assert.equal(findAll(PAGE, (e) => "src" in e.attributes).length, 0);
  assert.ok(!/@import|url\(/.test(HTML), "the style loads nothing");
});

Deno.test("the content policy admits nothing but the one script that is there", () => {
  const [script] = named(PAGE, "script");
  assert.equal(named(PAGE, "script").length, 1);
  const hash = createHash("sha256").update(textOf(script)).digest("base64");
  const policy = findAll(PAGE, (e) => "http-equiv" in e.attributes)[0].attributes.content;
  assert.ok(policy.startsWith("default-src 'none'") && policy.includes(`'sha256-${hash}'`));
  assert.ok(!/<\/script|<!--/i.test(textOf(script)));
});

Deno.test("every latent has one card and one place in the index, with its numbers", () => {
  const cards = byClass(PAGE, "card");
  assert.deepEqual(
    cards.map((c) => Number(c.attributes["data-latent"])),
    SAMPLE.latents.map((l) => l.latent),
  );
  const index = named(byClass(PAGE, "index")[0], "a").map((a) => a.attributes.href);
  assert.deepEqual(index, SAMPLE.latents.map((l) => `#latent-${l.latent}`));
  const [card] = cards, [latent] = SAMPLE.latents;
  assert.equal(Number(card.attributes["data-density"]), latent.density);
  assert.equal(byClass(card, "mini").length, 1);
  const promoted = byClass(byClass(card, "up")[0], "tok").map(textOf);
  assert.equal(promoted[0], "·" + latent.promoted![0].token.trim());
});

Deno.test("contexts hold every token in order, tint what fires and mark one peak each", () => {
  byClass(PAGE, "card").forEach((card, c) => {
    const rows = byClass(card, "contexts").flatMap((list) => named(list, "li"));
    const { contexts } = SAMPLE.latents[c];
    assert.equal(rows.length, contexts.length);
    rows.forEach((row, r) => {
      const context = contexts[r];
      const shown = textOf(byClass(row, "l")[0]) + textOf(byClass(row, "r")[0]);
      assert.equal(shown, context.tokens.join("").replaceAll("\n", "↵"));
      assert.equal(byClass(row, "peak").length, 1);
      const tinted = named(row, "mark").filter((m) => !m.attributes.class.startsWith("a0"));
      assert.equal(tinted.length, context.activations.filter((a) => a > 0).length);
      for (const mark of tinted) assert.ok(Number(mark.attributes.title) >= 0);
    });
  });
  assert.equal(byClass(PAGE, "a9").length > 0, true);
});

Deno.test("every metric is in the table, with its definition at hand and at the end", () => {
  for (const figure of SAMPLE.contenders[0].figures) {
    const link = findAll(byId(PAGE, "metrics"), (e) => e.attributes.class === "metric")
      .find((e) => textOf(e) === figure.name)!;
    assert.equal(link.attributes.title, figure.definition);
    const definition = byId(PAGE, link.attributes.href.slice(1));
    assert.ok(textOf(definition).includes(figure.definition));
  }
});

Deno.test("null, NaN and missing figures are shown as n/a", () => {
  const data = sampleReport(1, 2);
  data.contenders[1].figures = data.contenders[1].figures.filter((f) => f.name !== "recon/fvu");
  data.contenders[2].figures[0].value = NaN;
  const row = named(byId(parsePage(renderReport(data)), "metrics"), "tr")
    .find((tr) => textOf(tr).startsWith("recon/fvu"))!;
  assert.deepEqual(named(row, "td").map(textOf), ["0.1873", "n/a", "n/a"]);
  const ce = named(byId(PAGE, "metrics"), "tr").find((tr) => textOf(tr).includes("ce_loss_score"))!;
  assert.equal(textOf(named(ce, "td")[2]), "n/a");
});

Deno.test("hostile text cannot leave its place", () => {
  const hostile = [
    "<script>alert(1)</script>",
    `"><img src=x onerror=alert(1)>`,
    "'`&amp;</style></title>",
    "\u0000\u0007\u001b[31m\u007f\u009f",
    "\ud83d",
    "\u202egnp.exe\u2028",
    "",
  ];
  const data = sampleReport(2, 2);
  const all = hostile.join("");
  data.title =
    data.latentChoice =
    data.version =
    data.created =
      all;
  data.facts = hostile.map((text) => [text, text]);
  data.contenders[0].name = data.contenders[0].what = all;
  data.contenders[0].figures.push({ name: `x/${all}`, value: 1, definition: all });
  data.curve[0].values[all] = 3;
  data.latents[0].contexts = [{ tokens: hostile, activations: hostile.map((_, i) => i), peak: 6 }];
  data.latents[0].maxActivation = 6;
  data.latents[0].promoted = hostile.map((token) => ({ token, score: 1 }));
  const html = renderReport(data);
  const page = parsePage(html);
  assert.equal(named(page, "script").length, 1);
  assert.equal(named(page, "img").length, 0);
  assert.ok(
    findAll(page, (e) => Object.keys(e.attributes).some((k) => /^on/.test(k))).length === 0,
  );
  assert.ok(html.isWellFormed(), "no half of a character");
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(html));
  const row = named(byClass(page, "contexts")[0], "li")[0];
  const text = textOf(row);
  for (const piece of ["<script>alert(1)</script>", "␀␇␛[31m␡", "⟨D83D⟩", "⟨202E⟩", "∅"]) {
    assert.ok(text.includes(piece), piece);
  }
});

Deno.test("a report of nothing says so and has no dead ends", () => {
  const html = renderReport(emptyReport());
  const text = textOf(parsePage(html));
  for (const words of ["No training curves", "Not evaluated", "No latent fired", "No cards"]) {
    assert.ok(text.includes(words), words);
  }
  assert.ok(!/NaN|Infinity|undefined/.test(html.replace(/<script>.*<\/script>/s, "")));
});

Deno.test("a card without activations, contexts or unembedding is whole", () => {
  const data = sampleReport(1, 1);
  Object.assign(data.latents[0], {
    density: 0,
    maxActivation: 0,
    meanActivation: NaN,
    histogram: { edges: [], counts: [] },
    contexts: [{ tokens: [], activations: [], peak: 0 }, {
      tokens: ["a"],
      activations: [],
      peak: 9,
    }],
    promoted: undefined,
    suppressed: [],
  });
  const html = renderReport(data);
  const [card] = byClass(parsePage(html), "card");
  assert.equal(byClass(card, "scores").length, 0);
  assert.ok(textOf(card).includes("no activations to count"));
  assert.ok(textOf(card).includes("n/a"));
});

Deno.test("figures that are not finite never reach the page as such", () => {
  const data = sampleReport(2, 2);
  data.curve[5].values["recon/fvu"] = NaN;
  data.curve[6].values["recon/fvu"] = Infinity;
  data.curve.forEach((point) => point.values["loss/auxk"] = NaN);
  data.logDensities.push(-Infinity, NaN);
  const html = renderReport(data).replace(/<script>.*<\/script>/s, "");
  parsePage(html);
  assert.ok(!/NaN|Infinity|undefined/.test(html), html.match(/.{60}(NaN|Infinity).{20}/)?.[0]);
});

Deno.test("a hundred cards of ten contexts stay under 2 MB", () => {
  const bytes = new TextEncoder().encode(renderReport(sampleReport(100, 10))).length;
  assert.ok(bytes < 2e6, `${bytes} bytes`);
});
