/**
 * `sdm convert RUN --to jumprelu --out FOLDER`: the same dictionary with another activation.
 * @module
 */
import { type Command, Option } from "commander";
import { formatCount, formatFigure } from "../base/format.ts";
import { addConfigFlags } from "./config_flags.ts";
import { dictionaryConfig, MEASURING_SECTIONS } from "./dictionary_config.ts";
import { fetchInputs } from "./inputs.ts";
import { convertInWorker } from "./library.ts";
import type { Session } from "./session.ts";
import { tableLines } from "./terminal/table.ts";

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.argument("<run>", "folder of a run or of a dictionary that selects by count");
  const overrides = addConfigFlags(command, MEASURING_SECTIONS);
  command
    .addOption(
      new Option("--to <activation>", "the new activation").choices(["jumprelu"])
        .makeOptionMandatory(),
    )
    .requiredOption("--out <folder>", "folder of the new dictionary")
    .action(async (path: string, { out }: { out: string }) => {
      const config = await dictionaryConfig(path, overrides());
      let outcome;
      {
        using work = session.work("Stopping");
        const hooks = { onProgress: work.view.onProgress, signal: work.signal };
        const fetched = await fetchInputs(config, hooks);
        outcome = await convertInWorker({ path, config: fetched, out }, hooks);
      }
      if (session.json) return session.printJson(outcome);
      const { before, after, tokens } = outcome;
      const rows = before.map(({ name, value }, i) => [
        name,
        formatFigure(value),
        formatFigure(after[i].value),
      ]);
      const title = `on ${formatCount(tokens)} held-out tokens`;
      const right = (name: string) => ({ title: name, align: "right" as const });
      const columns = [{ title }, right("before"), right("after")];
      for (const line of tableLines(columns, rows, session.style)) session.print(line);
      session.print("");
      session.print(`Dictionary  ${outcome.path}`);
    });
}
