/**
 * Times the kernels, each as a share of what the adapter can do, with the ceilings in the same rounds.
 * @module
 */
import { type Gpu, openGpu } from "../lib/gpu/device.ts";
import { ceilingProbes, ceilingsOf } from "./ceilings.ts";
import { calibrate, timeRounds, verifyCases } from "./harness.ts";
import { REAL, REAL_STEMS } from "./shapes.ts";
import { createStage, type StageShapes } from "./stage.ts";
import { kernelResult } from "./stats.ts";
import type { Ceilings, KernelBench, KernelResult, Machine } from "./types.ts";

/** Kernels and ceilings of one stage. */
export interface KernelRun {
  /** Where. */
  machine: Machine;
  /** What the adapter can do. */
  ceilings: Ceilings;
  /** What the kernels do. */
  kernels: KernelResult[];
}

/** Loads the benches of all kernels, by stem. */
export async function loadBenches(): Promise<Map<string, KernelBench>> {
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

/** Where and when, with the load of now. */
export function machineOf(gpu: Gpu, method: string): Machine {
  const { name, software, ...limits } = gpu.facts;
  const [load] = Deno.loadavg();
  return {
    adapter: name,
    software,
    limits,
    cores: navigator.hardwareConcurrency,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    date: new Date().toISOString(),
    load: [load, load],
    method,
  };
}

/** Ceilings always, and the kernels that were asked for at the stage's shapes, all in the same rounds. */
export async function measureKernels(
  kernels: readonly KernelBench[],
  shapes: StageShapes,
  rounds: number,
  say: (text: string) => void,
): Promise<KernelRun> {
  const gpu = await openGpu();
  try {
    const stage = createStage(gpu, shapes);
    const probes = ceilingProbes(stage);
    const cases = kernels.flatMap((b) => b.cases(stage).map((c) => ({ stem: b.stem, ...c })));
    say(`compiling and checking ${cases.length} cases of ${kernels.length} kernels`);
    await verifyCases(gpu, cases);
    const clock = await calibrate(gpu, probes[0].commands);
    const ms = await timeRounds(
      gpu,
      clock,
      [...probes, ...cases],
      rounds,
      (r) => say(`kernels, round ${r + 1} of ${rounds}`),
    );
    const ceilings = ceilingsOf(probes, ms);
    const results = cases.map((c, i) => {
      const dispatches = c.commands.filter((command) => !("kind" in command)).length;
      const work = { footprint: c.footprint ?? c.cost.bytes, ...c.cost, dispatches };
      return kernelResult({ ...c, work }, ms[probes.length + i], ceilings);
    });
    return { machine: machineOf(gpu, clock.method), ceilings, kernels: results };
  } finally {
    gpu.close();
  }
}

/** The kernels of a dense step at shapes of real work, a device a shape so that memory is that of one. */
export async function measureReal(
  kernels: readonly KernelBench[],
  rounds: number,
  say: (text: string) => void,
): Promise<KernelResult[]> {
  const chosen = kernels.filter((b) => REAL_STEMS.includes(b.stem));
  const results: KernelResult[] = [];
  if (chosen.length === 0) return results;
  for (const shape of REAL) {
    say(`shapes of real work: B ${shape.rows}, d ${shape.d}, F ${shape.latents}, k ${shape.k}`);
    results.push(...(await measureKernels(chosen, shape, rounds, () => {})).kernels);
  }
  return results;
}
