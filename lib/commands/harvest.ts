/**
 * `sdm harvest config.toml --out DIR`: runs text through a model into an activation store.
 * @module
 */
import type { Command } from "commander";
import { SdmError } from "../base/errors.ts";
import { formatCount } from "../base/format.ts";
import { loadConfig } from "../config/load.ts";
import { addConfigFlags } from "./config_flags.ts";
import type { HarvestOutcome } from "./harvest_text.ts";
import { fetchInputs } from "./inputs.ts";
import type { Session } from "./session.ts";

/** `width 192`, or where there are several hookpoints what each has. */
function widths({ d, points }: HarvestOutcome): string {
  if (points.length === 1) return `width ${d}`;
  return points.map((point) => `${point.name} (${point.d})`).join(", ");
}

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.argument("[config]", "TOML or JSON file; flags alone do as well");
  const overrides = addConfigFlags(command, ["", "model", "data"]);
  command
    .requiredOption("--out <folder>", "folder of the store")
    .option("--overwrite", "empty the folder when it already holds a store")
    .action(async (file: string | undefined, flags: { out: string; overwrite?: boolean }) => {
      const config = await loadConfig({ file, overrides: overrides(), inputs: "harvest" });
      if (config.data.activations !== undefined) {
        throw new SdmError(
          `Cannot harvest: data.activations is "${config.data.activations}", text is needed`,
        );
      }
      const request = { config, out: flags.out, overwrite: flags.overwrite === true };
      const { harvestText } = await import("./harvest_text.ts");
      let outcome: HarvestOutcome;
      {
        using work = session.work("Stopping; whole files of the store are kept");
        const hooks = { onProgress: work.view.onProgress, signal: work.signal };
        const fetched = await fetchInputs(config, hooks);
        outcome = await harvestText({ ...request, config: fetched }, hooks);
      }
      if (!outcome.finished) session.exitCode = 130;
      if (session.json) return session.printJson(outcome);
      const size = `${formatCount(outcome.rows)} rows of ${widths(outcome)}`;
      if (!outcome.finished) {
        return session.print(`Stopped with ${size}; the same command goes on from there`);
      }
      session.print(`Store  ${outcome.path}: ${size} in ${outcome.shards} files`);
      session.print(`Train on it with: sdm train --activations ${outcome.path}`);
    });
}
