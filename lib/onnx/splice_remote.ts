/**
 * A splicer in a thread of its own, behind the interface of one on this thread.
 * @module
 */
import type { SpliceCall } from "./messages.ts";
import { Line, portableModel } from "./remote.ts";
import { closedError } from "./runner.ts";
import type { SplicerOptions } from "./splice.ts";
import type { CleanRun, SplicedRun, SplicedStep, Splicer } from "./splice_types.ts";

/**
 * Loads a model for splicing in a worker of its own; `close()` ends it, and with it frees all that the runtime holds.
 * @throws SdmError as `createSplicer` does
 */
export async function spawnSplicer(options: SplicerOptions): Promise<Splicer> {
  const { model } = options;
  const name = typeof model === "string" ? model : model.name;
  const line = new Line();
  const portable = { ...options, model: portableModel(model) };
  let opened;
  try {
    opened = await line.ask({ kind: "open_splicer", options: portable });
  } catch (error) {
    line.end(closedError(name));
    throw error;
  }
  if (opened.kind !== "opened_splicer") {
    throw new Error(`the model worker answered "${opened.kind}"`);
  }
  async function ask<T extends CleanRun | SplicedRun | SplicedStep>(call: SpliceCall): Promise<T> {
    const answer = await line.ask({ kind: "splice", call });
    if (answer.kind !== "spliced") throw new Error(`the model worker answered "${answer.kind}"`);
    return answer.result as T;
  }
  return {
    ...opened.facts,
    clean: (ids, batch, length) => ask<CleanRun>({ method: "clean", ids, batch, length }),
    replace: (values, mask) => ask<SplicedRun>({ method: "replace", values, mask }),
    replaceNext: (target, value, mask) =>
      ask<SplicedStep>({ method: "replaceNext", target, value, mask }),
    async close() {
      try {
        await line.ask({ kind: "close" });
      } finally {
        line.end(closedError(name));
      }
    },
  };
}
