/**
 * `sdm synth`: trains families on planted features and says what they found.
 * @module
 */
import { type Command, Option } from "commander";
import { resolve } from "node:path";
import { SdmError } from "../base/errors.ts";
import { parseEntrants } from "../config/entrants.ts";
import { readKeys } from "../config/load.ts";
import { PRESET_NAMES, type PresetName } from "../evals/synthetic.ts";
import { syntheticRows, writeSyntheticPage } from "../report/synthetic_page.ts";
import type { SyntheticOutcome, SyntheticRequest } from "../report/synthetic.ts";
import { commandLine } from "./command_line.ts";
import { addConfigFlags } from "./config_flags.ts";
import { synthInWorker } from "./library.ts";
import type { Session } from "./session.ts";
import { tableLines } from "./terminal/table.ts";

interface SynthFlags {
  types?: string;
  presets: string;
  seeds: string;
  out?: string;
  overwrite?: boolean;
}

/** Defines the command. */
export function define(command: Command, session: Session): void {
  const overrides = addConfigFlags(command, ["", "dictionary", "train", "optimizer"]);
  command
    .option("--types <list>", "families, as topk,relu,clt:jumprelu (default: all)")
    .addOption(
      new Option("--presets <list>", `what is planted: ${PRESET_NAMES.join(", ")}`).default("tiny"),
    )
    .addOption(new Option("--seeds <n>", "runs of each family, from --seed on").default("3"))
    .option("--out <file>", "write the tables as Markdown")
    .option("--overwrite", "train anew what is finished")
    .action(async (flags: SynthFlags) => {
      const { placed } = await readKeys({ overrides: overrides() });
      const first = Number(placed.get("seed") ?? 1);
      const count = Number(flags.seeds);
      if (!Number.isInteger(count) || count < 1) {
        throw new SdmError(`Cannot use --seeds ${flags.seeds}: a whole number from 1 on is needed`);
      }
      const { FAMILIES } = await import("../models/mod.ts");
      const types = flags.types ?? FAMILIES.map(({ type }) => type).join();
      const request: Omit<SyntheticRequest, "preset"> = {
        entrants: parseEntrants(types),
        seeds: Array.from({ length: count }, (_, i) => first + i),
        path: resolve(String(placed.get("output_path") ?? "runs/synth")),
        placed: [...placed],
        overwrite: flags.overwrite === true,
      };
      await synth(session, presetsOf(flags.presets), request, flags);
    });
}

function presetsOf(text: string): PresetName[] {
  return text.split(",").map((word) => {
    const preset = PRESET_NAMES.find((name) => name === word.trim());
    if (preset) return preset;
    throw new SdmError(`Unknown preset "${word}": known ones: ${PRESET_NAMES.join(", ")}`);
  });
}

async function synth(
  session: Session,
  presets: readonly PresetName[],
  request: Omit<SyntheticRequest, "preset">,
  { out }: SynthFlags,
): Promise<void> {
  const outcomes: SyntheticOutcome[] = [];
  {
    using work = session.work("Stopping at a checkpoint; the same command goes on");
    for (const preset of presets) {
      const hooks = { onProgress: work.view.onProgress, signal: work.signal };
      outcomes.push(await synthInWorker({ ...request, preset }, hooks));
      if (!outcomes.at(-1)!.finished) break;
    }
  }
  const finished = outcomes.every((outcome) => outcome.finished);
  if (!finished) session.exitCode = 130;
  else if (out) await writeSyntheticPage(out, outcomes, commandLine(session.host.argv));
  if (session.json) return session.printJson(outcomes);
  for (const outcome of outcomes) {
    const { titles, rows } = syntheticRows(outcome);
    session.print(`Planted features, preset ${outcome.preset}:`);
    const columns = titles.map((title) => ({ title }));
    for (const line of tableLines(columns, rows, session.style)) session.print(line);
    session.print("");
  }
  if (!finished) session.print("Stopped; the same command goes on from there");
  else session.print(`Runs   ${request.path}`);
  if (finished && out) session.print(`Table  ${out}`);
}
