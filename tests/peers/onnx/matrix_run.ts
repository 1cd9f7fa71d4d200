/**
 * Exporters x architectures: makes tiny models with `make_zoo.py`, reads every hookpoint of each through lib/onnx and
 * measures the losses of tokens, as the model is and with activations replaced, all held against PyTorch on the same tokens.
 *
 *     deno run -A tests/peers/onnx/matrix_run.ts                 makes the models, then compares
 *     deno run -A tests/peers/onnx/matrix_run.ts --zoo DIR       compares models that were made before
 *
 * SDM_ONNX_PYTHON names a Python with the exporters; without it `setup_python.sh` makes one in `.venv-onnx`.
 * @module
 */
import { parseArgs } from "node:util";
import { readOracle } from "../../onnx/oracle.ts";
import {
  describeOutcome,
  holdAgainst,
  holdLosses,
  type Losses,
  type Outcome,
  passed,
} from "../../onnx/zoo.ts";
import { findExporters, python } from "../python.ts";

/**
 * Largest relative error by what the graph's numbers are. Weights of fp16 and int4 models are moved, before PyTorch sees
 * them, to where those types hold them; fp16 rounds activations too, int8 also quantises them to 8 bits at every product.
 */
const TOLERANCES: readonly [RegExp, number][] = [
  [/-fp16$/, 5e-3],
  [/-int8$/, 2e-1],
  [/./, 1e-4],
];

/** Largest error of the loss of one token in nats, relative where it is above 1, likewise. */
const LOSS_TOLERANCES: readonly [RegExp, number][] = [
  [/-fp16$/, 5e-3],
  [/-int8$/, 2e-1],
  [/./, 1e-5],
];

interface Cell {
  exporter: string;
  architecture: string;
  /** What the exporter said when it made no model. */
  refused?: string;
  outcome?: Outcome;
  /** Of a model that predicts tokens, when its hookpoints are right. */
  losses?: Losses;
  /** Why there are no losses of such a model. */
  trouble?: string;
}

async function compare(zoo: string, name: string): Promise<Cell> {
  const [architecture, ...rest] = name.split("-");
  const cell: Cell = { architecture, exporter: rest.join("-") };
  try {
    cell.refused = (await Deno.readTextFile(`${zoo}/${name}/failure.txt`)).trim();
    return cell;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const path = `${zoo}/${name}/model.onnx`;
  const oracle = await readOracle(`${zoo}/${name}/oracle`);
  cell.outcome = await holdAgainst(path, oracle, boundOf(TOLERANCES, name));
  if (!passed(cell.outcome) || !oracle.arrays.has("cross_entropy")) return cell;
  try {
    cell.losses = await holdLosses(path, oracle);
  } catch (error) {
    cell.trouble = error instanceof Error ? error.message.split("\n")[0] : String(error);
  }
  return cell;
}

function boundOf(bounds: readonly [RegExp, number][], name: string): number {
  return bounds.find(([pattern]) => pattern.test(name))![1];
}

/** Largest error of the losses of a model, 0 for one that has none. */
function lossError({ losses, trouble }: Cell): number {
  if (trouble !== undefined) return Infinity;
  return Math.max(0, losses?.identity ?? 0, ...losses?.errors.map(([, error]) => error) ?? []);
}

function good(cell: Cell): boolean {
  const bound = boundOf(LOSS_TOLERANCES, `${cell.architecture}-${cell.exporter}`);
  return cell.outcome !== undefined && passed(cell.outcome) && lossError(cell) <= bound &&
    (cell.losses?.identity ?? 0) === 0;
}

/** What was found, in one line. */
function describe(cell: Cell): string {
  if (!cell.outcome) return `no model: ${cell.refused}`;
  const words = describeOutcome(cell.outcome);
  if (cell.trouble !== undefined) return `${words}; losses: ${cell.trouble}`;
  return cell.losses ? `${words}; losses ${lossError(cell).toExponential(1)}` : words;
}

function mark(cell: Cell | undefined): string {
  if (cell === undefined) return "·";
  if (cell.outcome === undefined) return "none";
  return good(cell) ? "pass" : "FAIL";
}

function printMatrix(cells: readonly Cell[]): void {
  const exporters = [...new Set(cells.map((cell) => cell.exporter))].sort();
  const architectures = [...new Set(cells.map((cell) => cell.architecture))].sort();
  const line = (head: string, words: readonly string[]) =>
    head.padEnd(16) + words.map((word, i) => word.padStart(architectures[i].length + 2)).join("");
  console.log(`\n${line("", architectures)}`);
  for (const exporter of exporters) {
    const marks = architectures.map((architecture) =>
      mark(cells.find((c) => c.exporter === exporter && c.architecture === architecture))
    );
    console.log(line(exporter, marks));
  }
  console.log(
    "pass: all hookpoints and losses agree; none: the exporter made no model; ·: not tried\n",
  );
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { zoo: { type: "string" } } });
  const zoo = values.zoo ?? await Deno.makeTempDir();
  if (values.zoo === undefined) await python(await findExporters(), "onnx/make_zoo.py", [zoo]);
  const names = [...Deno.readDirSync(zoo)].filter((e) => e.isDirectory).map((e) => e.name).sort();
  const cells: Cell[] = [];
  for (const name of names) {
    const cell = await compare(zoo, name);
    cells.push(cell);
    console.log(`${mark(cell)} ${name}: ${describe(cell)}`);
  }
  if (values.zoo === undefined) await Deno.remove(zoo, { recursive: true });
  printMatrix(cells);
  const made = cells.filter((cell) => cell.outcome !== undefined);
  const right = made.filter(good).length;
  console.log(`${right} passed, ${made.length - right} failed`);
  Deno.exit(right === made.length && right > 0 ? 0 : 1);
}
