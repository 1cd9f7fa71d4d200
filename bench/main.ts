/**
 * `deno task bench [part…] [--full] [--json FILE] [--against FILE]`: how fast everything is on this machine, as shares of
 * what the machine can do. Parts are stems of kernels, `kernels`, `step`, `startup`, `harvest`; all of them when none is named.
 * @module
 */
import { parseArgs } from "node:util";
import { messageOf, SdmError } from "../lib/base/errors.ts";
import { didYouMean } from "../lib/base/nearest.ts";
import { type Gpu, openGpu } from "../lib/gpu/device.ts";
import { ceilingProbes, ceilingsOf } from "./ceilings.ts";
import { calibrate, timeRounds, verifyCases } from "./harness.ts";
import { HOOKPOINT, measureHarvest } from "./harvest.ts";
import { createStage, DEMO, WIDE } from "./stage.ts";
import { compareRuns, fromFile, kernelResult, toFile } from "./stats.ts";
import { measureStartup, measureSteps } from "./step.ts";
import {
  ceilingsText,
  comparisonText,
  harvestText,
  kernelsText,
  loadWarning,
  machineText,
  startupText,
  stepsText,
} from "./tables.ts";
import type { BenchResult, KernelBench, Machine } from "./types.ts";

const ROUNDS = 5;
const SECTIONS = ["startup", "kernels", "step", "harvest"];

const USAGE = `Usage: deno task bench [part…] [--full] [--json FILE] [--against FILE]

  part       stems of kernels, or of: ${SECTIONS.join(", ")}; everything when none is named
  --full     wide shapes of everything (d ${WIDE.d}, F ${WIDE.latents}) as well; some minutes
  --json     write the results to FILE
  --against  compare with the results in FILE; exit code 1 when a kernel got slower`;

/** Loads the benches of all kernels, by stem. */
async function loadBenches(): Promise<Map<string, KernelBench>> {
  const folder = new URL("./kernels/", import.meta.url);
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith("_bench.ts")) names.push(name);
  }
  const benches = new Map<string, KernelBench>();
  for (const name of names.sort()) {
    const { bench } = await import(new URL(name, folder).href) as { bench: KernelBench };
    benches.set(bench.stem, bench);
  }
  return benches;
}

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

function section(title: string, text: string): void {
  console.log(`\n${title}\n${text}`);
}

function machineOf(gpu: Gpu, method: string, loadBefore: number): Machine {
  const { name, software, ...limits } = gpu.facts;
  return {
    adapter: name,
    software,
    limits,
    cores: navigator.hardwareConcurrency,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    date: new Date().toISOString(),
    load: [loadBefore, loadBefore],
    method,
  };
}

/** Ceilings always, and the kernels that were asked for, all in the same rounds. */
async function measureKernels(
  kernels: readonly KernelBench[],
  full: boolean,
  loadBefore: number,
): Promise<Pick<BenchResult, "machine" | "ceilings" | "kernels">> {
  const gpu = await openGpu();
  const stage = createStage(gpu, full);
  const probes = ceilingProbes(stage);
  const cases = kernels.flatMap((b) => b.cases(stage).map((c) => ({ stem: b.stem, ...c })));
  progress(`compiling and checking ${cases.length} cases of ${kernels.length} kernels`);
  await verifyCases(gpu, cases);
  const clock = await calibrate(gpu, probes[0].commands);
  const ms = await timeRounds(
    gpu,
    clock,
    [...probes, ...cases],
    ROUNDS,
    (r) => progress(`kernels, round ${r + 1} of ${ROUNDS}`),
  );
  const ceilings = ceilingsOf(probes, ms);
  const results = cases.map((c, i) => {
    const dispatches = c.commands.filter((command) => !("kind" in command)).length;
    const work = { footprint: c.footprint ?? c.cost.bytes, ...c.cost, dispatches };
    return kernelResult({ ...c, work }, ms[probes.length + i], ceilings);
  });
  const machine = machineOf(gpu, clock.method, loadBefore);
  gpu.close();
  return { machine, ceilings, kernels: results };
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
  section(`Against ${before.machine.date}`, comparisonText(compared));
  if (before.machine.adapter !== now.machine.adapter) {
    console.log(`That was on "${before.machine.adapter}": the ratios compare machines, no verdict`);
    return false;
  }
  const slower = compared.filter((c) => c.verdict === "slower").map((c) => c.name);
  if (slower.length > 0) console.log(`Slower: ${slower.join("; ")}`);
  return slower.length > 0;
}

async function run(argv: readonly string[]): Promise<number> {
  const { values: flags, positionals } = parseFlags(argv);
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const before = flags.against ? await readResult(flags.against) : undefined;
  const full = flags.full ?? false;
  const plan = planParts(positionals, await loadBenches());
  const loadBefore = load();

  // First of all, as long as this process has not touched the adapter.
  if (plan.sections.has("startup")) progress("start-up");
  const startup = plan.sections.has("startup") ? await measureStartup(DEMO) : undefined;
  const measured = await measureKernels(plan.kernels, full, loadBefore);
  const result: BenchResult = { version: 1, ...measured, startup, steps: [], harvest: [] };
  console.log(machineText(result.machine));
  const warning = loadWarning(loadBefore, result.machine.cores);
  if (warning) console.log(warning);
  if (result.ceilings) section("Ceilings", ceilingsText(result.ceilings));
  if (plan.kernels.length > 0) section("Kernels", kernelsText(result.kernels));
  if (startup) section("Start-up", startupText(startup));
  if (plan.sections.has("step")) {
    for (const shape of full ? [DEMO, WIDE] : [DEMO]) {
      const say = (r: number) => progress(`steps at d ${shape.d}, round ${r + 1} of ${ROUNDS}`);
      const steps = await measureSteps(shape, ROUNDS, say);
      section("Training steps, TopK", stepsText(steps));
      result.steps.push(...steps);
    }
  }
  if (plan.sections.has("harvest")) {
    progress("harvest");
    const providers = full ? ["cpu", "wasm", "webgpu"] as const : ["cpu", "wasm"] as const;
    result.harvest = await measureHarvest(providers, ROUNDS);
    section(`Harvest of ${HOOKPOINT}, bundled model`, harvestText(result.harvest));
  }
  result.machine.load = [loadBefore, load()];
  const late = warning ? undefined : loadWarning(result.machine.load[1], result.machine.cores);
  // The bench itself keeps all cores of a software adapter busy, so only the first look counts there.
  if (late && !result.machine.software) console.log(`\n${late}`);
  if (flags.json) {
    await Deno.writeTextFile(flags.json, JSON.stringify(toFile(result), null, 1) + "\n");
  }
  return before && compare(before, result) ? 1 : 0;
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        full: { type: "boolean" },
        json: { type: "string" },
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
