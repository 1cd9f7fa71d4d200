/**
 * `sdm compare config.toml`: trains several families to the same number of active latents and puts them in one table.
 * @module
 */
import type { Command } from "commander";
import { resolve } from "node:path";
import { SdmError } from "../base/errors.ts";
import { parseEntrants } from "../config/entrants.ts";
import { readKeys } from "../config/load.ts";
import { SECTION_NAMES } from "../config/schema.ts";
import { writeFileAtomic } from "../files/atomic.ts";
import type { CompareOutcome } from "../report/compare_types.ts";
import {
  COMPARE_TITLES,
  comparePage,
  compareRows,
  groupTitle,
  l0Remark,
} from "../report/compare_page.ts";
import type { CompareRequest, PointPair } from "../report/compare_plan.ts";
import { commandLine } from "./command_line.ts";
import { addConfigFlags } from "./config_flags.ts";
import { fetchPlaced } from "./inputs.ts";
import { compareInWorker } from "./library.ts";
import type { Session } from "./session.ts";
import { tableLines } from "./terminal/table.ts";

interface CompareFlags {
  types?: string;
  transcode?: string;
  attention?: string;
  layers?: string;
  out?: string;
  overwrite?: boolean;
}

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.argument("[config]", "TOML or JSON file; flags alone do as well");
  const overrides = addConfigFlags(command, SECTION_NAMES);
  command
    .option(
      "--types <list>",
      "families, as topk,relu,clt:jumprelu (default: all whose hookpoints are known)",
    )
    .option(
      "--transcode <in,out>",
      "hookpoints of transcoders (default: those of the configuration)",
    )
    .option("--attention <in,out>", "hookpoints of lorsa (default: those of the configuration)")
    .option("--layers <in,out>", "hookpoints of clt, * for every layer")
    .option("--out <file>", "write the tables as Markdown here too")
    .option("--overwrite", "train anew what is finished")
    .action(async (file: string | undefined, flags: CompareFlags) => {
      const { placed, source } = await readKeys({ file, overrides: overrides() });
      await compare(session, flags, {
        placed: [...placed],
        source,
        entrants: flags.types === undefined ? undefined : parseEntrants(flags.types),
        points: {
          transcode: pairOf("transcode", flags.transcode),
          attention: pairOf("attention", flags.attention),
          layers: pairOf("layers", flags.layers),
        },
        path: resolve(String(placed.get("output_path") ?? "runs/compare")),
        overwrite: flags.overwrite === true,
      });
    });
}

function pairOf(flag: string, text: string | undefined): PointPair | undefined {
  if (text === undefined) return undefined;
  const names = text.split(",").map((name) => name.trim());
  if (names.length === 2 && names.every(Boolean)) return [names[0], names[1]];
  throw new SdmError(
    `Cannot use --${flag} ${text}: an input and an output are needed, with a comma between them`,
  );
}

async function compare(
  session: Session,
  { out }: CompareFlags,
  request: CompareRequest,
): Promise<void> {
  let outcome: CompareOutcome;
  {
    using work = session.work("Stopping at a checkpoint; the same command goes on");
    const hooks = { onProgress: work.view.onProgress, signal: work.signal };
    const placed = await fetchPlaced(new Map(request.placed), hooks);
    outcome = await compareInWorker({ ...request, placed: [...placed] }, hooks);
  }
  if (!outcome.finished) session.exitCode = 130;
  else if (out) {
    await writeFileAtomic(out, comparePage(outcome, commandLine(session.host.argv)));
  }
  if (session.json) return session.printJson(outcome);
  if (!outcome.finished) return session.print("Stopped; the same command goes on from there");
  for (const line of resultLines(session, outcome)) session.print(line);
  session.print(`Runs   ${request.path}`);
  if (out) session.print(`Table  ${out}`);
}

function resultLines(session: Session, { groups, dropped }: CompareOutcome): string[] {
  const lines: string[] = [];
  for (const [name, keys] of Object.entries(dropped)) {
    if (keys.length > 0) lines.push(`${name} does not read ${keys.join(", ")}`);
  }
  if (lines.length > 0) lines.push("");
  const columns = COMPARE_TITLES.map((title, i) => ({
    title,
    align: i > 0 ? "right" as const : undefined,
  }));
  for (const group of groups) {
    lines.push(session.style.bold(groupTitle(group)));
    lines.push(...tableLines(columns, compareRows(group), session.style));
    const remark = l0Remark(group);
    if (remark) lines.push(remark);
    lines.push("");
  }
  return lines;
}
