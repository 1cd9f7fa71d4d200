/**
 * `sdm report RUN`: writes the report of a dictionary as one HTML page.
 * @module
 */
import type { Command } from "commander";
import { addConfigFlags } from "./config_flags.ts";
import { contenderLines } from "./contenders.ts";
import { dictionaryConfig, MEASURING_SECTIONS } from "./dictionary_config.ts";
import { fetchInputs } from "./inputs.ts";
import { buildReport } from "./library.ts";
import type { Session } from "./session.ts";

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.argument("<run>", "folder of a run or of a dictionary");
  const overrides = addConfigFlags(command, [...MEASURING_SECTIONS, "report"]);
  command
    .option("--out <file>", "where to write the page (default: report.html in the folder)")
    .action(async (path: string, flags: { out?: string }) => {
      const config = await dictionaryConfig(path, overrides());
      let outcome;
      {
        using work = session.work("Stopping");
        const hooks = { onProgress: work.view.onProgress, signal: work.signal };
        const fetched = await fetchInputs(config, hooks);
        outcome = await buildReport({ path, config: fetched, out: flags.out }, hooks);
      }
      if (session.json) return session.printJson(outcome);
      for (const line of contenderLines(outcome, session.style)) session.print(line);
      session.print(`\nReport  ${outcome.file}`);
    });
}
