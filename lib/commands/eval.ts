/**
 * `sdm eval RUN`: measures a dictionary and its baselines on held-out text.
 * @module
 */
import type { Command } from "commander";
import { addConfigFlags } from "./config_flags.ts";
import { contenderLines } from "./contenders.ts";
import { dictionaryConfig, MEASURING_SECTIONS } from "./dictionary_config.ts";
import { fetchInputs } from "./inputs.ts";
import { evaluateRun } from "./library.ts";
import type { Session } from "./session.ts";

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.argument("<run>", "folder of a run or of a dictionary");
  const overrides = addConfigFlags(command, MEASURING_SECTIONS);
  command.action(async (path: string) => {
    const config = await dictionaryConfig(path, overrides());
    let outcome;
    {
      using work = session.work("Stopping");
      const hooks = { onProgress: work.view.onProgress, signal: work.signal };
      outcome = await evaluateRun({ path, config: await fetchInputs(config, hooks) }, hooks);
    }
    if (session.json) return session.printJson(outcome);
    for (const line of contenderLines(outcome, session.style)) session.print(line);
  });
}
