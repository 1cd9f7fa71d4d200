/**
 * `deno task bench [part…] [--full] [--json FILE] [--report FILE] [--against FILE]`: how fast everything is on this
 * machine, as shares of what the machine can do. Parts are stems of kernels and the sections below; all of them when none
 * is named.
 * @module
 */
import { parseArgs } from "node:util";
import { messageOf, SdmError } from "../lib/base/errors.ts";
import { didYouMean } from "../lib/base/nearest.ts";
import { measureGap } from "./gap.ts";
import { HOOKPOINT, measureHarvest } from "./harvest.ts";
import { loadBenches, measureKernels, measureReal } from "./kernels.ts";
import { writeRunPage, writeScalingPage } from "./pages.ts";
import { writeReport } from "./report.ts";
import { FULL_CURVES, measureScaling, QUICK_CURVES, TINY_CURVES } from "./scaling.ts";
import { DEMO, TINY, WIDE } from "./shapes.ts";
import { compareRuns, fromFile, toFile } from "./stats.ts";
import { FAMILY_STEPS, measureInPairs, measureStartup, measureSteps, TOPK_STEPS } from "./step.ts";
import * as tables from "./tables.ts";
import type { BenchResult, KernelBench, StepResult } from "./types.ts";

/** How much is measured. */
type Size = "tiny" | "quick" | "full";

/** Rounds of the kernels, and of steps with the seconds after which no further round begins. */
const LIMITS = {
  tiny: { rounds: 1, steps: { rounds: 1, seconds: 1 }, families: { rounds: 1, seconds: 1 } },
  quick: { rounds: 5, steps: { rounds: 5, seconds: 8 }, families: { rounds: 4, seconds: 15 } },
  full: { rounds: 5, steps: { rounds: 5, seconds: 30 }, families: { rounds: 3, seconds: 8 } },
} as const;

const SECTIONS = ["startup", "kernels", "step", "families", "gap", "scaling", "harvest"];

const USAGE =
  `Usage: deno task bench [part…] [--full] [--json FILE] [--report FILE] [--against FILE]

  part       stems of kernels, or of: ${SECTIONS.join(", ")}; everything when none is named
  --full     wide shapes of everything (d ${WIDE.d}, F ${WIDE.latents}) as well, kernels at shapes of real
             work, curves around the wide shape; about a quarter of an hour on two cores
  --tiny     smallest shapes and one round: whether everything runs, not how fast
  --json     write the results to FILE
  --report   write the results to FILE as one HTML page with the curves
  --page     write the table and the picture of the curves into docs/, of a whole run all that was printed
  --against  compare with the results in FILE; exit code 1 when a kernel got slower`;

interface Plan {
  kernels: KernelBench[];
  sections: Set<string>;
}

/** What to run. */
function planParts(parts: readonly string[], benches: Map<string, KernelBench>): Plan {
  const known = [...SECTIONS, ...benches.keys()];
  for (const part of parts) {
    if (known.includes(part)) continue;
    throw new SdmError(`Cannot bench "${part}": it is not known, a kernel's stem is needed`, {
      hint: didYouMean(part, known) || undefined,
    });
  }
  const all = parts.length === 0;
  const sections = new Set(all ? SECTIONS : SECTIONS.filter((s) => parts.includes(s)));
  const everyKernel = sections.has("kernels");
  const kernels = [...benches.values()].filter((b) => everyKernel || parts.includes(b.stem));
  return { kernels, sections };
}

const load = () => Deno.loadavg()[0];

/** A line about what is going on, on stderr so that the tables can be piped. */
function progress(text: string): void {
  console.error(`… ${text}`);
}

/** What was printed, for the page. */
const printed: { title: string; text: string }[] = [];

function section(title: string, text: string): void {
  console.log(`\n${title}\n${text}`);
  printed.push({ title, text });
}

async function readResult(path: string): Promise<BenchResult> {
  const action = `Cannot compare with "${path}"`;
  let result: BenchResult;
  try {
    result = fromFile(JSON.parse(await Deno.readTextFile(path))) as BenchResult;
  } catch (error) {
    throw new SdmError(`${action}: ${messageOf(error)}, a file of --json is needed`, {
      cause: error,
    });
  }
  if (result?.version !== 1 || !Array.isArray(result.kernels)) {
    throw new SdmError(`${action}: it has no kernels of version 1, a file of --json is needed`);
  }
  return result;
}

/** Prints the comparison; true when a kernel got slower on the same adapter. */
function compare(before: BenchResult, now: BenchResult): boolean {
  const named = new Set(now.kernels.map((k) => k.stem));
  const compared = compareRuns(
    { ...before, kernels: before.kernels.filter((k) => named.has(k.stem)) },
    now,
  );
  section(`Against ${before.machine.date}`, tables.comparisonText(compared));
  if (before.machine.adapter !== now.machine.adapter) {
    console.log(`That was on "${before.machine.adapter}": the ratios compare machines, no verdict`);
    return false;
  }
  const slower = compared.filter((c) => c.verdict === "slower").map((c) => c.name);
  if (slower.length > 0) console.log(`Slower: ${slower.join("; ")}`);
  return slower.length > 0;
}

/** Steps of TopK and of all families, at the wide shape too when everything is asked for. */
async function stepSections(result: BenchResult, plan: Plan, size: Size): Promise<void> {
  const limits = LIMITS[size];
  const shapes = size === "tiny" ? [TINY] : size === "full" ? [DEMO, WIDE] : [DEMO];
  for (const shape of plan.sections.has("step") ? shapes : []) {
    const steps = await measureSteps(shape, TOPK_STEPS, limits.steps, progress);
    section("Training steps, TopK", tables.stepsText(steps, result.ceilings));
    result.steps.push(...steps);
  }
  const families: StepResult[] = [];
  for (const shape of plan.sections.has("families") ? shapes : []) {
    const measure = shape === WIDE ? measureInPairs : measureSteps;
    const steps = await measure(shape, FAMILY_STEPS, limits.families, progress);
    section("Training steps of every family", tables.familiesText(steps));
    families.push(...steps);
  }
  if (families.length > 0) result.families = families;
}

/** The training loop between its submissions, and how steps grow. */
async function loopSections(result: BenchResult, plan: Plan, size: Size): Promise<void> {
  if (plan.sections.has("gap")) {
    progress("training loop, between submissions");
    result.gaps = size === "tiny"
      ? [await measureGap(TINY, 8)]
      : [await measureGap(TINY, 100), await measureGap(DEMO, 40)];
    if (size === "full") result.gaps.push(await measureGap(WIDE, 8));
    section("Training loop, between submissions", tables.gapsText(result.gaps));
  }
  if (plan.sections.has("scaling")) {
    const curves = { tiny: TINY_CURVES, quick: QUICK_CURVES, full: FULL_CURVES }[size];
    result.scaling = await measureScaling(curves, size === "tiny" ? 1 : 3, progress);
    section("Scaling of a TopK step", tables.scalingText(result.scaling));
  }
}

/** Runs the bench with these arguments; the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  printed.length = 0;
  const { values: flags, positionals } = parseFlags(argv);
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const before = flags.against ? await readResult(flags.against) : undefined;
  const size: Size = flags.tiny ? "tiny" : flags.full ? "full" : "quick";
  const { rounds } = LIMITS[size];
  const plan = planParts(positionals, await loadBenches());
  const loadBefore = load();

  // First of all, as long as this process has not touched the adapter.
  if (plan.sections.has("startup")) progress("start-up");
  const shape = size === "tiny" ? TINY : DEMO;
  const startup = plan.sections.has("startup") ? await measureStartup(shape) : undefined;
  const stage = size === "tiny" ? TINY : size;
  const measured = await measureKernels(plan.kernels, stage, rounds, progress);
  const result: BenchResult = { version: 1, ...measured, startup, steps: [], harvest: [] };
  result.machine.load[0] = loadBefore;
  console.log(tables.machineText(result.machine));
  const warning = tables.loadWarning(loadBefore, result.machine.cores);
  if (warning) console.log(warning);
  section("Ceilings", tables.ceilingsText(measured.ceilings));
  if (plan.kernels.length > 0) section("Kernels", tables.kernelsText(result.kernels));
  if (size === "full" && plan.kernels.length > 0) {
    result.real = await measureReal(plan.kernels, 3, progress);
    if (result.real.length > 0) {
      section("Kernels at shapes of real work", tables.kernelsText(result.real));
    }
  }
  if (startup) section("Start-up", tables.startupText(startup));
  await stepSections(result, plan, size);
  await loopSections(result, plan, size);
  if (plan.sections.has("harvest")) {
    progress("harvest");
    const providers = size === "full"
      ? ["cpu", "wasm", "webgpu"] as const
      : ["cpu", "wasm"] as const;
    result.harvest = await measureHarvest(providers, size === "tiny" ? 1 : rounds);
    section(`Harvest of ${HOOKPOINT}, bundled model`, tables.harvestText(result.harvest));
  }
  result.machine.load = [loadBefore, load()];
  const late = warning
    ? undefined
    : tables.loadWarning(result.machine.load[1], result.machine.cores);
  // The bench itself keeps all cores of a software adapter busy, so only the first look counts there.
  if (late && !result.machine.software) console.log(`\n${late}`);
  if (flags.json) {
    await Deno.writeTextFile(flags.json, JSON.stringify(toFile(result), null, 1) + "\n");
  }
  if (flags.report) await writeReport(flags.report, result);
  if (flags.page) await writeScalingPage(result);
  if (flags.page && positionals.length === 0) await writeRunPage(result.machine, printed);
  return before && compare(before, result) ? 1 : 0;
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        full: { type: "boolean" },
        tiny: { type: "boolean" },
        json: { type: "string" },
        report: { type: "string" },
        page: { type: "boolean" },
        against: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new SdmError(`Cannot start the bench: ${messageOf(error)}`, {
      hint: "deno task bench --help",
      cause: error,
    });
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await run(Deno.args));
  } catch (error) {
    if (!(error instanceof SdmError)) throw error;
    console.error(error.message);
    if (error.hint) console.error(`Hint: ${error.hint}`);
    Deno.exit(error.exitCode);
  }
}
