/**
 * `deno task bench:peers [peer or method…] [--json FILE] [--page] [--rounds N] [--minutes N] [--tiny]`: the same
 * dictionaries trained by this program and by others, on the same rows from the same weights, in turn (A B A B) on this
 * machine. `SDM_PEERS_PYTHON` names a Python that has the peers of `tests/peers/requirements.txt`; without it
 * `tests/peers/setup_python.sh` makes one.
 * @module
 */
import { parseArgs } from "node:util";
import { messageOf, SdmError } from "../../lib/base/errors.ts";
import { didYouMean } from "../../lib/base/nearest.ts";
import { openGpu } from "../../lib/gpu/device.ts";
import { findPython } from "../../tests/peers/python.ts";
import { machineOf } from "../kernels.ts";
import { DEMO, WIDE } from "../shapes.ts";
import { writePage } from "../pages.ts";
import { median, repeatsFor, toFile } from "../stats.ts";
import { loadWarning, machineText } from "../tables.ts";
import { peerCases, tinyCases } from "./cases.ts";
import { ours, theirs, type Trainer } from "./contenders.ts";
import { taskData, writeSpec } from "./data.ts";
import { peersMarkdown, peersText, troublesText } from "./tables.ts";
import type { PeerCase, PeerResult, PeerRun } from "./types.ts";

const ROUNDS = 4;
const MINUTES = 20;

const USAGE =
  `Usage: deno task bench:peers [peer or method…] [--json FILE] [--page] [--rounds N] [--minutes N]

  part       names of peers, of methods, or of shapes (wide, demo); all when none is named
  --json     write the results to FILE
  --page     write the table into docs/performance.md
  --rounds   turns of each side; ${ROUNDS} when absent
  --minutes  begin nothing new after so long; ${MINUTES} when absent
  --tiny     smallest shapes: whether losses agree, not how fast`;

/** A turn takes about so many milliseconds of the faster side. */
const TURN_MS = 600;

/** Relative difference of two losses that float32 explains, in sums whose order differs. */
const TOLERANCE = 1e-3;

/** Largest relative difference of losses after equal steps. */
export function lossDifference(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length || ours.length === 0) return NaN;
  return Math.max(...ours.map((loss, t) => Math.abs(loss / theirs[t] - 1)));
}

/** The result of turns. */
export function ratiosOf(ourMs: readonly number[], theirMs: readonly number[]) {
  const each = ourMs.map((ms, r) => theirMs[r] / ms);
  return {
    ratio: median(theirMs) / median(ourMs),
    range: [Math.min(...each), Math.max(...each)] as [number, number],
  };
}

async function compare(
  given: PeerCase,
  { python, rounds, busy }: { python: string; rounds: number; busy: boolean },
): Promise<PeerResult> {
  const folder = await Deno.makeTempDir({ prefix: "sdm peers " });
  const open: Trainer[] = [];
  try {
    const data = taskData(given);
    const peer = await theirs(python, await writeSpec(folder, given, data), busy);
    open.push(peer);
    const us = await ours(given, data);
    open.push(us);
    const losses = { ours: [] as number[], theirs: [] as number[] };
    const cpu = { ours: [] as number[], theirs: [] as number[] };
    const turn = async (steps: number) => {
      const a = await us.steps(steps), b = await peer.steps(steps);
      losses.ours.push(...a.losses);
      losses.theirs.push(...b.losses);
      cpu.ours.push(a.cpuSeconds / steps);
      cpu.theirs.push(b.cpuSeconds / steps);
      return { a: 1000 * a.seconds / steps, b: 1000 * b.seconds / steps };
    };
    // The first step compiles kernels and makes the states of optimisers; the second tells how long a turn is.
    await turn(1);
    const first = given.rounds === 1 ? undefined : await turn(1);
    const steps = first ? repeatsFor(Math.min(first.a, first.b), TURN_MS, 16) : 1;
    const ourMs: number[] = [], theirMs: number[] = [];
    for (let r = 0; r < (given.rounds ?? rounds); r++) {
      const { a, b } = await turn(steps);
      ourMs.push(a);
      theirMs.push(b);
    }
    return {
      ...peer.facts,
      method: given.method,
      variant: given.variant,
      shape: given.shape,
      steps,
      ourMs,
      theirMs,
      ...ratiosOf(ourMs, theirMs),
      cpuRatio: median(cpu.theirs) / median(cpu.ours),
      losses: {
        count: losses.ours.length,
        difference: lossDifference(losses.ours, losses.theirs),
        tolerance: given.tolerance ?? TOLERANCE,
      },
    };
  } finally {
    for (const trainer of open) await trainer.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a case can be chosen by: kinds of words, of which every kind that is named has to fit. */
const KINDS: readonly ((given: PeerCase) => string)[] = [
  (c) => c.peer,
  (c) => c.method,
  (c) => c.shape.d === WIDE.d ? "wide" : c.shape.d === DEMO.d ? "demo" : "tiny",
];

/** The cases that the words name. */
export function chosenCases(all: readonly PeerCase[], parts: readonly string[]): PeerCase[] {
  const words = KINDS.map((kind) => new Set(all.map(kind)));
  const known = words.flatMap((set) => [...set]);
  for (const part of parts) {
    if (known.includes(part)) continue;
    throw new SdmError(`Cannot compare "${part}": known ones are ${known.join(", ")}`, {
      hint: didYouMean(part, known) || undefined,
    });
  }
  return all.filter((c) =>
    KINDS.every((kind, i) => {
      const named = parts.filter((part) => words[i].has(part));
      return named.length === 0 || named.includes(kind(c));
    })
  );
}

/** Runs the comparison; the exit code is 1 when losses differ or a peer does not run. */
export async function run(argv: readonly string[]): Promise<number> {
  const { values: flags, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: "string" },
      page: { type: "boolean" },
      rounds: { type: "string" },
      minutes: { type: "string" },
      tiny: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const cases = chosenCases(flags.tiny ? tinyCases() : peerCases(), positionals);
  const rounds = Number(flags.rounds ?? (flags.tiny ? 1 : ROUNDS));
  const minutes = Number(flags.minutes ?? MINUTES);
  const python = await findPython();
  const gpu = await openGpu();
  const machine = machineOf(gpu, "host clock, turn by turn");
  gpu.close();
  console.log(machineText(machine));
  const warning = loadWarning(machine.load[0], machine.cores);
  if (warning) console.log(warning);
  const found: PeerRun = { version: 1, machine, results: [], troubles: [] };
  const started = performance.now();
  for (const given of cases) {
    const { peer, method, shape } = given;
    if (performance.now() - started > minutes * 60_000) {
      found.troubles.push({ peer, method, reason: `not begun after ${minutes} minutes` });
      continue;
    }
    console.error(`… ${peer}, ${method}, d ${shape.d}, F ${shape.latents}`);
    try {
      const result = await compare(given, { python, rounds, busy: warning !== undefined });
      found.results.push(result);
      console.error(`  ${result.ratio.toFixed(2)} times as fast`);
    } catch (error) {
      found.troubles.push({ peer, method, reason: messageOf(error) });
    }
    // After every case: a run that is broken off keeps what it has.
    if (flags.json) {
      await Deno.writeTextFile(flags.json, JSON.stringify(toFile(found), null, 1) + "\n");
    }
  }
  console.log(`\n${peersText(found.results)}`);
  if (found.troubles.length > 0) console.log(`\n${troublesText(found.troubles)}`);
  if (flags.page) await writePage("peers", peersMarkdown(found));
  const unequal = found.results.filter((r) => !(r.losses.difference <= r.losses.tolerance));
  console.log(
    `${found.results.length - unequal.length} passed, ` +
      `${unequal.length + found.troubles.length} failed`,
  );
  return unequal.length + found.troubles.length > 0 ? 1 : 0;
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
