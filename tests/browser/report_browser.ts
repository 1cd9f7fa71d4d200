/**
 * Opens a report in headless Chromium as a reader would, from disk, and tries everything on it.
 *
 * `deno run -A tests/browser/report_browser.ts [report.html] [--keep folder]`: without a path a made-up report
 * is rendered. Needs Chromium; as root on Debian or Ubuntu a missing one is installed.
 * @module
 */
import assert from "assert";
import { type Browser, chromium, type Page } from "playwright-core";
import { renderReport } from "../../lib/report/page.ts";
import { sampleReport } from "../report/_sample.ts";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--force-color-profile=srgb",
];

const CANDIDATES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

async function findBrowser(): Promise<string | null> {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of CANDIDATES) {
      const path = `${folder}/${name}`;
      if (await Deno.stat(path).then((s) => s.isFile, () => false)) return path;
    }
  }
  return null;
}

async function needBrowser(): Promise<string> {
  const found = await findBrowser();
  if (found) return found;
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    throw new Error(
      "Cannot test the report: no Chromium on PATH, install one or name it in CHROMIUM",
    );
  }
  for (const args of [["update", "-q"], ["install", "-y", "-q", "chromium"]]) {
    const { success } = await new Deno.Command("apt-get", { args, stdout: "null" }).spawn().status;
    if (!success) throw new Error(`Cannot install Chromium: apt-get ${args[0]} failed`);
  }
  const installed = await findBrowser();
  if (!installed) throw new Error("Cannot test the report: Chromium is not on PATH after install");
  return installed;
}

/** A page that remembers what must not happen: requests beyond the file itself, and errors. */
async function open(
  browser: Browser,
  url: string,
  options: { width: number; dark?: boolean; script?: boolean },
): Promise<{ page: Page; close: () => Promise<void> }> {
  const context = await browser.newContext({
    viewport: { width: options.width, height: 900 },
    colorScheme: options.dark ? "dark" : "light",
    javaScriptEnabled: options.script ?? true,
    deviceScaleFactor: 1,
    reducedMotion: "reduce",
  });
  // A software renderer on a busy machine takes its time.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const address = request.url();
    if (address.split("#")[0] !== url && !address.startsWith("data:")) {
      faults.push(`request: ${address}`);
    }
  });
  await page.goto(url, { waitUntil: "load" });
  const close = async () => {
    await context.close();
    assert.deepEqual(faults, []);
  };
  return { page, close };
}

/**
 * A picture of one section in a window as high as it needs: Chromium without a GPU can stall when it is to
 * capture more of a long page than the window shows.
 */
async function shootSection(page: Page, id: string, path: string): Promise<void> {
  const section = page.locator(`#${id}`);
  const box = await section.boundingBox();
  const window = page.viewportSize();
  if (!box || !window) return;
  await page.setViewportSize({ width: window.width, height: Math.ceil(box.height) + 80 });
  await section.screenshot({ path });
  await page.setViewportSize(window);
}

/** Numbers of the cards in view, in order. */
function visibleLatents(page: Page): Promise<string[]> {
  return page.locator(".card:visible").evaluateAll((cards) =>
    cards.map((card) => card.getAttribute("data-latent") ?? "")
  );
}

async function noSidewaysScroll(page: Page): Promise<void> {
  const [inner, outer] = await page.evaluate<[number, number]>(
    "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
  );
  assert.ok(inner <= outer, `the page is ${inner} px wide in a window of ${outer} px`);
}

async function tryFilter(page: Page): Promise<void> {
  const all = await visibleLatents(page);
  const last = all[all.length - 1];
  await page.keyboard.press("/");
  await page.keyboard.type(`#${last}`);
  const shown = await visibleLatents(page);
  assert.ok(shown.includes(last) && shown.every((latent) => latent.startsWith(last)));
  assert.match(await page.locator("#count").innerText(), /of|latents/);
  assert.equal(await page.locator(".index li:visible").count(), shown.length);
  await page.locator("#filter").fill("no such words anywhere \u2603");
  assert.equal((await visibleLatents(page)).length, 0);
  assert.ok(await page.locator("#nothing").isVisible());
  await page.locator("#filter").press("Escape");
  assert.deepEqual(await visibleLatents(page), all);
  const word = (await page.locator(".card .peak").first().innerText()).trim();
  if (word) {
    await page.locator("#filter").fill(word);
    assert.ok((await visibleLatents(page)).includes(all[0]), `filter by "${word}"`);
    await page.locator("#filter").fill("");
  }
  await page.evaluate(`location.hash = "#latent-${last}"`);
  await page.locator("#filter").fill("no such words anywhere \u2603");
  await page.evaluate(`location.hash = "#latent-${all[0]}"`);
  await page.waitForFunction(`!document.getElementById("latent-${all[0]}").hidden`);
}

async function trySort(page: Page): Promise<void> {
  const before = await visibleLatents(page);
  const values = (key: string) =>
    page.locator(".card").evaluateAll(
      (cards, name) => cards.map((card) => Number(card.getAttribute(name))),
      `data-${key}`,
    );
  for (
    const [option, key, sign] of [
      ["latent", "latent", 1],
      ["-density", "density", -1],
      ["density", "density", 1],
      ["-max", "max", -1],
    ] as const
  ) {
    await page.locator("#sort").selectOption(option);
    const got = await values(key);
    assert.deepEqual(got, [...got].sort((a, b) => sign * (a - b)), `sort by ${option}`);
    const index = await page.locator(".index li").evaluateAll((items) =>
      items.map((item) => item.getAttribute("data-for") ?? "")
    );
    assert.deepEqual(index, await visibleLatents(page), "index in the order of the cards");
  }
  await page.locator("#sort").selectOption("order");
  assert.deepEqual(await visibleLatents(page), before);
}

async function tryKeysAndTips(page: Page): Promise<void> {
  await page.evaluate("document.activeElement.blur()");
  await page.evaluate("scrollTo(0, 0)");
  const all = await visibleLatents(page);
  const focused = () => page.evaluate<string | undefined>("document.activeElement.dataset.latent");
  await page.keyboard.press("j");
  assert.equal(await focused(), all[0]);
  if (all.length > 1) {
    await page.keyboard.press("j");
    assert.equal(await focused(), all[1]);
    await page.keyboard.press("k");
    assert.equal(await focused(), all[0]);
  }
  const tip = page.locator(".tip");
  for (const selector of [".card .peak", ".line-chart", ".mini", ".bin .catch", "th .metric"]) {
    const target = page.locator(selector).first();
    if (await target.count() === 0) continue;
    await target.scrollIntoViewIfNeeded();
    await target.hover();
    assert.ok(await tip.isVisible(), `a tooltip on ${selector}`);
    assert.ok((await tip.innerText()).length > 0);
  }
}

/** The layout that a reader chose stays plain CSS: it must change what is cut off. */
async function tryLayouts(page: Page): Promise<void> {
  const clipped = () =>
    page.locator(".contexts .r").evaluateAll((parts) =>
      parts.filter((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0).length
    );
  await page.locator("#wrapped").check();
  assert.equal(await clipped(), 0, "whole contexts are not cut");
  await page.locator("#aligned").check();
}

async function withoutScript(browser: Browser, url: string): Promise<void> {
  const { page, close } = await open(browser, url, { width: 1000, script: false });
  assert.ok(await page.locator(".card").count() > 0);
  assert.equal(await page.locator("#filter").isVisible(), false, "no dead controls");
  assert.ok(await page.locator(".card").last().isVisible());
  await close();
}

const args = [...Deno.args];
const keep = args.indexOf("--keep");
const folder = keep < 0 ? await Deno.makeTempDir() : args.splice(keep, 2)[1];
await Deno.mkdir(folder, { recursive: true });
let path: string | undefined = args[0];
if (!path) {
  path = `${folder}/report.html`;
  await Deno.writeTextFile(path, renderReport(sampleReport()));
}
const url = "file://" + encodeURI(await Deno.realPath(path));
const bytes = (await Deno.stat(path)).size;
const browser = await chromium.launch({ executablePath: await needBrowser(), args: FLAGS });
try {
  for (
    const [name, width, dark] of [
      ["wide", 1280, false],
      ["dark", 1280, true],
      ["narrow", 390, false],
      ["narrow_dark", 390, true],
      ["least", 360, false],
    ] as const
  ) {
    const { page, close } = await open(browser, url, { width, dark });
    await noSidewaysScroll(page);
    await page.screenshot({ path: `${folder}/${name}.png` });
    await page.evaluate(`document.getElementById("latents").scrollIntoView()`);
    await page.screenshot({ path: `${folder}/${name}_latents.png` });
    for (const id of ["training", "metrics", "distributions", "definitions"]) {
      await shootSection(page, id, `${folder}/${name}_${id}.png`);
    }
    if (name === "wide") {
      await tryFilter(page);
      await trySort(page);
      await tryKeysAndTips(page);
      await tryLayouts(page);
      await page.emulateMedia({ media: "print" });
      await page.pdf({ path: `${folder}/print.pdf`, format: "A4" });
    }
    await close();
  }
  await withoutScript(browser, url);
  console.log(`report in Chromium ${browser.version()}: all well, ${bytes} bytes`);
  console.log(`screenshots: ${folder}`);
} finally {
  await browser.close();
}
