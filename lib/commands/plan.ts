/**
 * `sdm plan config.toml`: what a training run will need, before it is started.
 * @module
 */
import type { Command } from "commander";
import { SdmError } from "../base/errors.ts";
import { loadConfig } from "../config/load.ts";
import { SECTION_NAMES } from "../config/schema.ts";
import { addConfigFlags } from "./config_flags.ts";
import { fetchInputs } from "./inputs.ts";
import { planInWorker } from "./library.ts";
import { planLines } from "./plan_lines.ts";
import type { Session } from "./session.ts";

/** Steps of a probe where nothing else is said: shaders, then ten beside the model, ten alone. */
const PROBE_STEPS = 20;

/** Fewer steps than these tell nothing: two compile shaders. */
const LEAST_STEPS = 4;

/** Flags of `sdm plan` that are no keys of the configuration. */
interface PlanFlags {
  probe: boolean;
  probeSteps?: string;
  assumeBindingMib?: string;
}

function wholeNumber(text: string, flag: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new SdmError(
    `Cannot read option "${flag}": it is "${text}", a whole number of at least ${least} is needed`,
  );
}

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.argument("[config]", "TOML or JSON file, or the folder of a run; flags alone do as well");
  const overrides = addConfigFlags(command, SECTION_NAMES);
  command
    .option("--no-probe", "plan from shapes alone: no device is opened, no model runs")
    .option("--probe-steps <n>", `steps to try on the device (default: ${PROBE_STEPS})`)
    .option("--assume-binding-mib <n>", "plan for an adapter whose bindings hold this many MiB")
    .action(async (file: string | undefined, flags: PlanFlags) => {
      const { probeSteps: steps, assumeBindingMib: mib } = flags;
      const probeSteps = steps === undefined
        ? PROBE_STEPS
        : wholeNumber(steps, "--probe-steps", LEAST_STEPS);
      const request = {
        config: await loadConfig({ file, overrides: overrides(), inputs: flags.probe }),
        probeSteps: flags.probe ? probeSteps : 0,
        bindingBytes: mib === undefined
          ? undefined
          : wholeNumber(mib, "--assume-binding-mib", 1) * 2 ** 20,
      };
      let forecast;
      {
        using work = session.work("Stopping");
        const hooks = { onProgress: work.view.onProgress, signal: work.signal };
        const config = await fetchInputs(request.config, hooks);
        forecast = await planInWorker({ ...request, config }, hooks);
      }
      // What does not fit is bad input, as it would be to sdm train.
      if (forecast.trouble.length > 0) session.exitCode = 2;
      if (session.json) return session.printJson(forecast);
      for (const line of planLines(forecast, session.style)) session.print(line);
    });
}
