/**
 * `sdm encode RUN "text"`: the active latents of each token of a text.
 * @module
 */
import type { Command } from "commander";
import { SdmError } from "../base/errors.ts";
import { formatFigure } from "../base/format.ts";
import { addConfigFlags } from "./config_flags.ts";
import { dictionaryConfig } from "./dictionary_config.ts";
import type { EncodedToken } from "./encode_text.ts";
import { fetchInputs } from "./inputs.ts";
import type { Session } from "./session.ts";
import { tableLines } from "./terminal/table.ts";

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command
    .argument("<run>", "folder of a run or of a dictionary")
    .argument("[text...]", "the text; without it, the standard input is read");
  const overrides = addConfigFlags(command, ["", "model", "data"]);
  command
    .option("--top <n>", "latents shown a token; 0 shows all", "8")
    .action(async (path: string, words: string[], flags: { top: string }) => {
      const top = Number(flags.top);
      if (!Number.isInteger(top) || top < 0) {
        throw new SdmError(`Cannot read --top: it is "${flags.top}", a whole number is needed`);
      }
      const config = await dictionaryConfig(path, overrides());
      const text = words.length > 0 ? words.join(" ") : await readStandardInput();
      const { encodeText } = await import("./encode_text.ts");
      let tokens: EncodedToken[];
      {
        using work = session.work("Stopping");
        const hooks = { onProgress: work.view.onProgress, signal: work.signal };
        // Only the model is wanted: no dataset is asked for.
        const model = { model: config.model, data: {} };
        const fetched = {
          ...config,
          model: { ...config.model, ...(await fetchInputs(model, hooks)).model },
        };
        tokens = await encodeText({ path, config: fetched, text }, hooks);
        if (work.signal.aborted) session.exitCode = 130;
      }
      const shown = top === 0
        ? tokens
        : tokens.map((token) => ({ ...token, latents: token.latents.slice(0, top) }));
      if (session.json) return session.printJson(shown);
      const columns = [{ title: "token" }, { title: "latent:activation, largest first" }];
      const rows = shown.map((token) => [printable(token.token), latentsText(token)]);
      for (const line of tableLines(columns, rows, session.style)) session.print(line);
    });
}

async function readStandardInput(): Promise<string> {
  if (Deno.stdin.isTerminal()) {
    throw new SdmError("Cannot encode: no text was given, text or a pipe is needed", {
      hint: 'sdm encode RUN "a text"',
    });
  }
  return await new Response(Deno.stdin.readable).text();
}

function printable(token: string): string {
  return JSON.stringify(token).slice(1, -1).replaceAll('\\"', '"').replace(/^ | $/g, "·");
}

function latentsText(token: EncodedToken): string {
  if (token.untrained) return `(${token.untrained}: not trained on)`;
  return token.latents.map(({ latent, value }) => `${latent}:${formatFigure(value, 3)}`).join("  ");
}
