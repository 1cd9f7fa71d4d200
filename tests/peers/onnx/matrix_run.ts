/**
 * Exporters x architectures: makes tiny models with {@link ./make_zoo.py}, reads every hookpoint of each through lib/onnx, and
 * compares with PyTorch's hooks on the same tokens.
 *
 *     deno run -A tests/peers/onnx/matrix_run.ts                 makes the models, then compares
 *     deno run -A tests/peers/onnx/matrix_run.ts --zoo DIR       compares models that were made before
 *
 * SDM_ONNX_PYTHON names a Python with the exporters; without it `setup_python.sh` makes one in `.venv-onnx`.
 * @module
 */
import { parseArgs } from "node:util";
import { readOracle } from "../../onnx/oracle.ts";
import { describeOutcome, holdAgainst, type Outcome, passed } from "../../onnx/zoo.ts";
import { findExporters, python } from "../python.ts";

/**
 * Largest relative error by what the graph's numbers are. Weights of fp16 and int4 models are moved, before PyTorch sees
 * them, to where those types hold them; fp16 rounds activations too, int8 also quantises them to 8 bits at every product.
 */
const TOLERANCES: readonly [RegExp, number][] = [
  [/-fp16$/, 1e-2],
  [/-int8$/, 2e-1],
  [/-int4$/, 1e-4],
  [/./, 1e-4],
];

interface Cell {
  exporter: string;
  architecture: string;
  /** What the exporter said when it made no model. */
  refused?: string;
  outcome?: Outcome;
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
  const tolerance = TOLERANCES.find(([pattern]) => pattern.test(name))![1];
  const oracle = await readOracle(`${zoo}/${name}/oracle`);
  cell.outcome = await holdAgainst(`${zoo}/${name}/model.onnx`, oracle, tolerance);
  return cell;
}

function mark(cell: Cell | undefined): string {
  if (cell === undefined) return "·";
  if (cell.outcome === undefined) return "none";
  return passed(cell.outcome) ? "pass" : "FAIL";
}

function printMatrix(cells: readonly Cell[]): void {
  const exporters = [...new Set(cells.map((cell) => cell.exporter))].sort();
  const architectures = [...new Set(cells.map((cell) => cell.architecture))].sort();
  const wide = Math.max(...architectures.map((name) => name.length)) + 1;
  console.log(`\n${" ".repeat(17)}${architectures.map((name) => name.padStart(wide)).join("")}`);
  for (const exporter of exporters) {
    const marks = architectures.map((architecture) =>
      mark(cells.find((c) => c.exporter === exporter && c.architecture === architecture))
    );
    console.log(exporter.padEnd(17) + marks.map((text) => text.padStart(wide)).join(""));
  }
  console.log("pass: all hookpoints agree; none: the exporter made no model; ·: not tried\n");
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
    const words = cell.outcome ? describeOutcome(cell.outcome) : `no model: ${cell.refused}`;
    console.log(`${mark(cell)} ${name}: ${words}`);
  }
  if (values.zoo === undefined) await Deno.remove(zoo, { recursive: true });
  printMatrix(cells);
  const outcomes = cells.flatMap((cell) => cell.outcome ? [cell.outcome] : []);
  const good = outcomes.filter(passed).length;
  console.log(`${good} passed, ${outcomes.length - good} failed`);
  Deno.exit(good === outcomes.length && good > 0 ? 0 : 1);
}
