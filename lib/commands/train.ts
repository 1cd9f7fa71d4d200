/**
 * `sdm train config.toml`: trains a dictionary, then measures it and writes its report.
 * @module
 */
import { type Command, Option } from "commander";
import { SdmError } from "../base/errors.ts";
import { loadConfig, toToml } from "../config/load.ts";
import { SECTION_NAMES } from "../config/schema.ts";
import type { Config } from "../config/types.ts";
import type { TrainRequest, TrainResult } from "../train/types.ts";
import { addConfigFlags } from "./config_flags.ts";
import { contenderLines } from "./contenders.ts";
import { fetchInputs, runInputs } from "./inputs.ts";
import { buildReport, type EvalOutcome, trainInWorker } from "./library.ts";
import type { Session } from "./session.ts";
import { figureTexts } from "./terminal/render.ts";

/** Flags of `sdm train` that are no keys of the configuration. */
interface TrainFlags {
  resume?: string | true;
  overwrite?: boolean;
  printConfig?: boolean;
  stopAfterStep?: string;
}

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.argument("[config]", "TOML or JSON file, or the folder of a run; flags alone do as well");
  const overrides = addConfigFlags(command, SECTION_NAMES);
  command
    .option("--resume [run]", "go on from the newest checkpoint of the run")
    .option("--overwrite", "empty a run's folder that already holds a run")
    .option("--print-config", "print the checked configuration as TOML and stop")
    .addOption(new Option("--stop-after-step <n>", "stop as Ctrl-C would").hideHelp())
    .action(async (file: string | undefined, flags: TrainFlags) => {
      if (flags.resume && flags.overwrite) {
        throw new SdmError(
          "Cannot train: both --resume and --overwrite are given, one of them is needed",
        );
      }
      const resumed = typeof flags.resume === "string" ? flags.resume : undefined;
      if (resumed !== undefined && file !== undefined) {
        throw new SdmError(
          `Cannot train: both "${file}" and "--resume ${resumed}" name a run, one is needed`,
        );
      }
      const config = await loadConfig({ file: file ?? resumed, overrides: overrides() });
      if (flags.printConfig) {
        return session.json ? session.printJson(config) : session.print(toToml(config).trimEnd());
      }
      await train(session, {
        config,
        resume: flags.resume !== undefined,
        overwrite: flags.overwrite === true,
        stopAfterStep: flags.stopAfterStep === undefined ? undefined : Number(flags.stopAfterStep),
      });
    });
}

async function train(session: Session, request: TrainRequest): Promise<void> {
  let result: TrainResult;
  let measured: (EvalOutcome & { file: string }) | undefined;
  {
    using work = session.work("Stopping at a checkpoint");
    const hooks = { onProgress: work.view.onProgress, signal: work.signal };
    const earlier = request.resume ? await runInputs(request.config.output_path) : undefined;
    const config = await fetchInputs(request.config, hooks, earlier);
    result = await trainInWorker({ ...request, config }, hooks);
    if (result.finished && config.report.eval && canReport(config)) {
      measured = await buildReport({ path: result.path, config }, hooks);
    }
  }
  if (!result.finished) session.exitCode = 130;
  if (session.json) return session.printJson({ ...result, ...measured });
  for (const line of endLines(session, result, measured)) session.print(line);
}

/** A report shows text, so it needs the model as well as the dictionary. */
function canReport({ model, data }: Config): boolean {
  return model.onnx !== undefined && (data.eval_text ?? data.text ?? data.dataset) !== undefined;
}

/** The figures of the last step that a person looks for; metrics.jsonl has the others. */
function headline(figures: TrainResult["figures"]): TrainResult["figures"] {
  const names = ["recon/fvu", "sparsity/l0", "sparsity/dead_frac"];
  return Object.fromEntries(names.flatMap((n) => n in figures ? [[n, figures[n]]] : []));
}

function endLines(
  session: Session,
  result: TrainResult,
  measured: (EvalOutcome & { file: string }) | undefined,
): string[] {
  const figures = figureTexts(headline(result.figures)).join(", ");
  if (!result.finished) {
    return [
      `Stopped at step ${result.step} of ${result.steps}: ${figures}`,
      `Go on with: sdm train --resume ${result.path}`,
    ];
  }
  const lines = [`Trained ${result.steps} steps: ${figures}`];
  if (measured) lines.push("", ...contenderLines(measured, session.style), "");
  if (result.planned) lines.push(`Plan    ${result.planned}`);
  lines.push(`Run     ${result.path}`);
  if (measured) lines.push(`Report  ${measured.file}`);
  return lines;
}
