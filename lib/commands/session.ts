/**
 * What a command may use of the terminal, and the flags that all commands share.
 * @module
 */
import type { Command } from "commander";
import { Interrupt } from "./terminal/interrupt.ts";
import { ProgressView } from "./terminal/progress_view.ts";
import { type Style, styleFor } from "./terminal/style.ts";

/** The process around a command, given by `main.ts`. */
export interface Host {
  /** Arguments after the program's name. */
  argv: readonly string[];
  /** Leaves at once. */
  exit(code: number): never;
}

/** A progress view and a way to be interrupted, both for one piece of work. */
export interface Work extends Disposable {
  /** The view; `view.onProgress` goes to the library. */
  view: ProgressView;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** One run of the program. */
export class Session {
  /** Exit code so far; `main.ts` gives it to the shell. */
  exitCode = 0;
  /** Results as JSON on the standard output. */
  json = false;
  /** No progress, no notes. */
  quiet = false;
  /** `--no-color` was given, or `NO_COLOR` is set. */
  noColor: boolean = Deno.noColor;

  /** A session of the process `host`. */
  constructor(readonly host: Host) {}

  /** Colours of the standard output. */
  get style(): Style {
    return styleFor({ isTerminal: Deno.stdout.isTerminal(), noColor: this.noColor });
  }

  /** Columns of the terminal, or 80. */
  width(): number {
    try {
      return Deno.consoleSize().columns || 80;
    } catch {
      return 80;
    }
  }

  /** A line of the result. */
  print(text: string): void {
    this.#write(Deno.stdout, text + "\n");
  }

  /** A result as JSON. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value, null, 2));
  }

  /** A line beside the result; silent when quiet. */
  note(text: string): void {
    if (!this.quiet) this.error(text);
  }

  /** A line on the standard error. */
  error(text: string): void {
    this.#write(Deno.stderr, text + "\n");
  }

  /** Opens a progress view and listens for Ctrl-C. */
  work(stopping: string): Work {
    const isTerminal = Deno.stderr.isTerminal();
    const view = new ProgressView({
      write: (text) => this.#write(Deno.stderr, text),
      live: isTerminal && Deno.env.get("TERM") !== "dumb" && !this.quiet,
      quiet: this.quiet,
      width: () => this.width(),
      style: styleFor({ isTerminal, noColor: this.noColor }),
    });
    const interrupt = new Interrupt({
      onFirst: () => view.note(`${stopping}; press Ctrl-C again to leave at once`),
      onSecond: () => {
        view[Symbol.dispose]();
        this.host.exit(130);
      },
    });
    return {
      view,
      signal: interrupt.signal,
      [Symbol.dispose]() {
        interrupt[Symbol.dispose]();
        view[Symbol.dispose]();
      },
    };
  }

  #write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      // The reader of a pipe went away, as `head` does: there is nobody left to tell.
      if (error instanceof Deno.errors.BrokenPipe) this.host.exit(0);
      throw error;
    }
  }
}

/** Adds the flags of every command, and takes them over into the session when the command runs. */
export function addCommonFlags(command: Command, session: Session): Command {
  return command
    .option("--json", "print results as JSON")
    .option("--quiet", "show no progress")
    .option("--offline", "fetch nothing from the hub (HF_HUB_OFFLINE=1 does the same)")
    .option("--no-color", "use no colours (NO_COLOR does the same)")
    .hook("preAction", (_, action) => {
      const given = action.opts();
      session.json = given.json === true;
      session.quiet = given.quiet === true;
      // Workers share the environment, and every room reads the same word.
      if (given.offline === true) Deno.env.set("HF_HUB_OFFLINE", "1");
      session.noColor ||= given.color === false;
    });
}
