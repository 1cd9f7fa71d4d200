import assert from "assert";
import {
  displayWidth,
  paint,
  renderFigures,
  renderTable,
  sparkline,
  wrapText,
} from "../../lib/report/terminal.ts";

const FIGURES = [
  { name: "recon/fvu", value: 0.18734, definition: "Squared error over variance, of all tokens." },
  { name: "model/ce_loss_score", value: null, definition: "Share of the gap that is closed." },
];

Deno.test("renderTable() lines columns up on their side and leaves no space at the ends", () => {
  const table = renderTable([["fvu", "0.1873"], ["longer name", "32"], ["short"]], [
    { title: "metric" },
    { title: "value", align: "right" },
  ]);
  assert.equal(table, "metric        value\nfvu          0.1873\nlonger name      32\nshort");
});

Deno.test("renderTable() measures wide characters, marks and its own colours", () => {
  assert.equal(displayWidth("海 e\u0301"), 4);
  assert.equal(displayWidth(paint("ab", "good", true)), 2);
  const table = renderTable([["海", "x"], [paint("ab", "bad", true), "x"], ["abc", "x"]], [
    { title: "" },
    { title: "" },
  ]);
  const starts = table.split("\n").map((line) =>
    displayWidth(line.slice(0, line.lastIndexOf("x")))
  );
  assert.deepEqual(starts, [5, 5, 5]);
});

Deno.test("renderTable() keeps a hostile token on its line and harmless", () => {
  const table = renderTable([["a\nb\x1b]0;title\x07", "1"]], [{ title: "token" }, { title: "n" }]);
  assert.equal(table.split("\n").length, 2);
  assert.ok(table.includes("a↵b␛]0;title␇"));
});

Deno.test("colour appears only when asked for", () => {
  const columns = [{ title: "a" }];
  assert.ok(!renderTable([["x"]], columns).includes("\x1b"));
  assert.ok(renderTable([["x"]], columns, { color: true }).includes("\x1b[1m"));
  assert.ok(!renderFigures(FIGURES, { definitions: true }).includes("\x1b"));
});

Deno.test("renderFigures() shows values, n/a, and definitions when asked", () => {
  assert.equal(renderFigures(FIGURES), "recon/fvu            0.1873\nmodel/ce_loss_score     n/a");
  const long = renderFigures(FIGURES, { definitions: true, width: 30 }).split("\n");
  assert.equal(long[0], "recon/fvu            0.1873");
  assert.equal(long[1], "    Squared error over");
  assert.ok(long.every((line) => line.length <= 30));
  assert.ok(long.join(" ").includes("Share of the gap"));
  assert.equal(renderFigures([]), "");
});

Deno.test("wrapText() loses no word and gives a long one its own line", () => {
  assert.deepEqual(wrapText("one two incomprehensibilities x", 8), [
    "one two",
    "incomprehensibilities",
    "x",
  ]);
  assert.deepEqual(wrapText("  ", 8), []);
});

Deno.test("sparkline() runs from the lowest to the highest bar and leaves gaps blank", () => {
  assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7]), "▁▂▃▄▅▆▇█");
  assert.equal(sparkline([3, 3, 3]), "▁▁▁");
  assert.equal(sparkline([0, NaN, 1]), "▁ █");
  assert.equal(sparkline(Array.from({ length: 1000 }, (_, i) => i), 8), "▁▂▃▄▅▆▇█");
  assert.equal(sparkline([]), "");
});
