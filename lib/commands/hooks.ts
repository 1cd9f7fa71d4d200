/**
 * `sdm hooks model.onnx`: where activations of a model can be read.
 * @module
 */
import { type Command, Option } from "commander";
import { DTYPE_SUFFIX, type HubDtype } from "../files/hub_names.ts";
import type { Session } from "./session.ts";

/** The file that is meant; it comes from the hub where it is not here. */
async function fetched(session: Session, model: string, dtype?: HubDtype): Promise<string> {
  using work = session.work("Stopping");
  const hooks = { onProgress: work.view.onProgress, signal: work.signal };
  return await (await import("./inputs.ts")).fetchModelFile(model, dtype, hooks);
}

/** Flags of `sdm hooks`. */
interface HooksFlags {
  dtype?: HubDtype;
  all?: boolean;
  why?: string;
  check?: boolean;
}

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command
    .argument("<model>", "ONNX file, a folder with one, or owner/name on the hub")
    .addOption(
      new Option("--dtype <name>", "which of a repository's ONNX files, by its precision")
        .choices(Object.keys(DTYPE_SUFFIX)),
    )
    .option("--all", "list every tensor, with shape, type and what makes it")
    .option("--why <hookpoint>", "explain how a hookpoint was found")
    .option("--check", "run a few random tokens: sums must add up, norms must be norms")
    .action(async (model: string, options: HooksFlags) => {
      const { loadModel } = await import("../onnx/graph.ts");
      const { describeModel } = await import("../onnx/describe.ts");
      const lines = await import("./hooks_lines.ts");
      const { style } = session;
      const loaded = await loadModel(await fetched(session, model, options.dtype));
      const print = (block: readonly string[]) => session.print(block.join("\n"));
      if (options.why !== undefined) {
        const { explainHookpoint } = await import("../onnx/explain.ts");
        const told = explainHookpoint(loaded, options.why);
        if (session.json) return session.printJson(told);
        return print(lines.explanationLines(told, style));
      }
      const facts = describeModel(loaded);
      const tensors = options.all
        ? (await import("../onnx/listing.ts")).listTensors(loaded)
        : undefined;
      const check = options.check
        ? await (await import("../onnx/check_hooks.ts")).checkHookpoints(loaded)
        : undefined;
      if (check && !check.passed) session.exitCode = 1;
      const hookpoints = check?.hookpoints ?? facts.hookpoints;
      if (session.json) return session.printJson({ ...facts, hookpoints, tensors, check });
      print(lines.modelLines(model, facts, style));
      if (hookpoints.length > 0) print(["", ...lines.pointLines(hookpoints, style)]);
      if (check) print(["", ...lines.checkLines(check, style)]);
      if (tensors) print(["", ...lines.tensorLines(tensors, style)]);
    });
}
