import assert from "assert";
import type { ProgressEvent } from "../../lib/base/progress.ts";
import { bar } from "../../lib/commands/terminal/bar.ts";
import { ProgressView } from "../../lib/commands/terminal/progress_view.ts";
import { renderLine, renderPanel, renderSummary } from "../../lib/commands/terminal/render.ts";
import {
  advanceStage,
  beginStage,
  meanRate,
  recentRate,
  secondsLeft,
} from "../../lib/commands/terminal/stage.ts";
import { coloured, plain, styleFor } from "../../lib/commands/terminal/style.ts";
import { factLines } from "../../lib/commands/terminal/table.ts";

// deno-lint-ignore no-control-regex
const strip = (text: string) => text.replace(/\x1b\[[?0-9;]*[A-Za-z]/g, "");

function train(done: number, figures?: Record<string, number>): ProgressEvent {
  return { stage: "train", done, total: 100, unit: "steps", figures };
}

Deno.test("a bar is always as wide as asked, whatever the fraction", () => {
  for (const fraction of [-1, 0, 0.24, 0.5, 1, 7, NaN]) {
    const { done, left } = bar(fraction, 10);
    assert.equal(done.length + left.length, 10);
  }
  assert.equal(bar(0.5, 10).done.length, 5);
  assert.equal(bar(1, 10).left.length, 0);
});

Deno.test("the rate forgets what is older than twenty seconds, and the time left follows it", () => {
  let stage = beginStage(train(0), 0);
  stage = advanceStage(stage, train(10), 10_000); // one a second
  assert.equal(recentRate(stage), 1);
  assert.equal(secondsLeft(stage), 90);
  for (let s = 11; s <= 40; s++) stage = advanceStage(stage, train(10 + (s - 10) * 2), s * 1000);
  assert.equal(recentRate(stage), 2);
  assert.equal(secondsLeft(stage), 15);
  assert.equal(meanRate(stage), 70 / 40);
});

Deno.test("a resumed stage does not count what was done before", () => {
  const stage = advanceStage(beginStage(train(60), 0), train(70), 10_000);
  assert.equal(meanRate(stage), 1);
  assert.equal(secondsLeft(stage), 30);
});

Deno.test("the course of FVU is kept, thinned when it grows long", () => {
  let stage = beginStage(train(0, { fvu: 1 }), 0);
  for (let i = 1; i < 5000; i++) {
    stage = advanceStage(stage, train(1, { "recon/fvu": 1 / i }), i);
  }
  assert.ok(stage.fvu.length > 500 && stage.fvu.length <= 1025);
  assert.equal(stage.fvu[0], 1);
  assert.equal(stage.fvu.at(-1), 1 / 4999);
});

Deno.test("the panel shows stage, bar, share, rate, time left and figures, and fits the width", () => {
  let stage = beginStage(train(0, { fvu: 0.9, l0: 32 }), 0);
  for (let i = 1; i <= 40; i++) {
    stage = advanceStage(stage, train(i, { fvu: 0.9 / i, l0: 32 }), i * 500);
  }
  for (const style of [plain, coloured]) {
    const wide = renderPanel(stage, 120, style).map(strip);
    assert.match(wide[0], /^train .*━+─+ {2}40 % {2}40 \/ 100 steps {2}2 steps\/s {2}30 s left$/);
    assert.match(wide[1], /^ +fvu 0.0225 {2}l0 32 {2}█.*▁$/);
    for (const width of [20, 40, 60, 80, 200]) {
      for (const line of renderPanel(stage, width, style).map(strip)) {
        assert.ok([...line].length < Math.max(21, width), `${width}: ${line}`);
      }
    }
  }
  assert.ok(!renderPanel(stage, 80, plain).join("").includes("\x1b"));
});

Deno.test("a plain line and a summary say the same without a panel", () => {
  const stage = advanceStage(beginStage(train(0), 0), train(50, { "recon/fvu": 0.25 }), 5000);
  assert.equal(
    renderLine(stage),
    "train: 50 % (50 / 100 steps), 10 steps/s, 5 s left, fvu 0.25",
  );
  assert.equal(
    renderSummary(stage, plain),
    "train stopped at 50 / 100 steps in 5 s (10 steps/s), fvu 0.25",
  );
  const bytes: ProgressEvent = { stage: "read", done: 0, unit: "bytes" };
  const read = advanceStage(beginStage(bytes, 0), { ...bytes, done: 3 * 2 ** 20 }, 2000);
  assert.equal(renderSummary(read, plain), "read 3 MiB in 2 s (1.5 MiB/s)");
});

function recorded(live: boolean, quiet = false) {
  const state = { now: 0, written: [] as string[] };
  const view = new ProgressView({
    write: (text) => state.written.push(text),
    live,
    quiet,
    width: () => 80,
    style: plain,
    now: () => state.now,
  });
  return { state, view };
}

Deno.test("without a terminal there is at most a line in five seconds, and a last one", () => {
  const { state, view } = recorded(false);
  for (let ms = 0; ms < 12_000; ms += 50) {
    state.now = ms;
    view.onProgress(train(Math.floor(ms / 120)));
  }
  view.onProgress(train(100));
  view[Symbol.dispose]();
  const lines = state.written.join("").trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[0], /^train: 41 %/);
  assert.match(lines[2], /^train 100 steps in /);
  assert.ok(!/[^\n -~]/.test(state.written.join("")), "plain characters only");
});

Deno.test("on a terminal the panel is redrawn in place, and the cursor comes back", () => {
  const { state, view } = recorded(true);
  for (let i = 0; i <= 50; i++) {
    state.now = i * 60;
    view.onProgress(train(i, { fvu: 1 / (i + 1) }));
  }
  assert.ok(state.written.length < 51, "drawn at most ten times a second");
  assert.ok(state.written[0].startsWith("\x1b[?25l"));
  assert.ok(state.written[1].startsWith("\x1b[2A\r\x1b[J"), "the two lines before are erased");
  view.note("a note");
  view[Symbol.dispose]();
  const all = state.written.join("");
  assert.equal(all.split("\x1b[?25l").length, 2);
  assert.equal(all.split("\x1b[?25h").length, 2);
  assert.ok(all.endsWith("\x1b[?25h"));
  assert.match(strip(all), /a note\n/);
  assert.match(strip(all), /train stopped at 50 \/ 100 steps/);
});

Deno.test("quiet shows notes only; a disposed view shows nothing", () => {
  const { state, view } = recorded(false, true);
  state.now = 10_000;
  view.onProgress(train(50));
  view.onProgress(train(100));
  assert.deepEqual(state.written, []);
  view.note("kept");
  view[Symbol.dispose]();
  view.onProgress(train(50));
  assert.deepEqual(state.written, ["kept\n"]);
});

Deno.test("a stage of unknown length is summed up when the next one begins", () => {
  const { state, view } = recorded(false);
  view.onProgress({ stage: "tokenise", done: 5, unit: "documents" });
  view.onProgress(train(0));
  assert.match(state.written[0], /^tokenise 5 documents/);
  view[Symbol.dispose]();
  assert.equal(state.written.length, 2);
});

Deno.test("colours need a terminal that wants them", () => {
  assert.equal(styleFor({ isTerminal: true, noColor: false }), coloured);
  assert.equal(styleFor({ isTerminal: true, noColor: true }), plain);
  assert.equal(styleFor({ isTerminal: false, noColor: false }), plain);
});

Deno.test("facts line up, with dim labels where there are colours", () => {
  const facts: [string, string][] = [["a", "x"], ["longer", "y"]];
  assert.deepEqual(factLines(facts, plain), ["a       x", "longer  y"]);
  assert.deepEqual(factLines(facts, coloured).map(strip), ["a       x", "longer  y"]);
  assert.ok(factLines(facts, coloured)[0].startsWith(coloured.dim("a")));
});
