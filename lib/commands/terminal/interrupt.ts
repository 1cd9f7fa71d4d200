/**
 * Ctrl-C: the first press asks for a clean stop, the second one leaves at once.
 * @module
 */

/** What happens at each press. */
export interface InterruptOptions {
  /** Called at the first press, after the signal was given. */
  onFirst(): void;
  /** Called at the second press; leaves the process with exit code 130. */
  onSecond(): void;
}

/** Listens for Ctrl-C until it is disposed of. */
export class Interrupt {
  readonly #controller = new AbortController();
  readonly #options: InterruptOptions;
  readonly #names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];

  /** Starts to listen. */
  constructor(options: InterruptOptions) {
    this.#options = options;
    for (const name of this.#names) Deno.addSignalListener(name, this.#pressed);
  }

  /** Aborted at the first press. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ctrl-C does again what it did before. */
  [Symbol.dispose](): void {
    for (const name of this.#names) Deno.removeSignalListener(name, this.#pressed);
  }

  readonly #pressed = () => {
    if (this.#controller.signal.aborted) return this.#options.onSecond();
    this.#controller.abort();
    this.#options.onFirst();
  };
}
