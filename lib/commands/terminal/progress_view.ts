/**
 * Shows progress events: a redrawn panel on a terminal, occasional plain lines elsewhere.
 * @module
 */
import type { OnProgress, ProgressEvent } from "../../base/progress.ts";
import { renderLine, renderPanel, renderSummary } from "./render.ts";
import { advanceStage, beginStage, isComplete, type Stage } from "./stage.ts";
import type { Style } from "./style.ts";

/** Where and how progress is shown. */
export interface ProgressViewOptions {
  /** Writes text as it is. */
  write(text: string): void;
  /** Whether a panel may be redrawn: the stream is a terminal. */
  live: boolean;
  /** Shows nothing but notes. */
  quiet?: boolean;
  /** Columns of the terminal, asked for at each drawing. */
  width(): number;
  /** Colours. */
  style: Style;
  /** Milliseconds now; for tests. */
  now?: () => number;
}

const DRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 5000;
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** The progress of one command. Dispose of it to leave the terminal as it was. */
export class ProgressView {
  readonly #options: ProgressViewOptions;
  readonly #now: () => number;
  readonly #stages = new Map<string, Stage>();
  readonly #summed = new Set<string>();
  #current: Stage | undefined;
  #lines = 0;
  #shownAt: number;
  #cursorHidden = false;
  #disposed = false;
  readonly #restore = () => this.#showCursor();

  /** Opens the view; nothing is drawn before the first event. */
  constructor(options: ProgressViewOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#shownAt = options.live ? -Infinity : this.#now();
    if (options.live) addEventListener("unload", this.#restore);
  }

  /** Takes an event; to be given to the library. */
  readonly onProgress: OnProgress = (event) => {
    if (this.#options.quiet || this.#disposed) return;
    const now = this.#now();
    const before = this.#stages.get(event.stage);
    if (!before) this.#sumOpenEnded();
    const stage = this.#update(before, event, now);
    if (isComplete(stage)) this.#sum(stage);
    else if (!this.#summed.has(stage.name)) this.#show(stage, now);
  };

  /** Prints a line that stays, above the panel. */
  note(text: string): void {
    this.#clear();
    this.#options.write(text + "\n");
    if (this.#current && this.#options.live) this.#draw(this.#current);
  }

  /** Sums up what is unfinished, removes the panel, and shows the cursor again. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const stage of this.#stages.values()) this.#sum(stage);
    this.#clear();
    this.#showCursor();
    if (this.#options.live) removeEventListener("unload", this.#restore);
  }

  #update(before: Stage | undefined, event: ProgressEvent, now: number): Stage {
    const restarted = before !== undefined && event.done < before.done;
    if (restarted) this.#summed.delete(event.stage);
    const stage = before && !restarted ? advanceStage(before, event, now) : beginStage(event, now);
    this.#stages.set(stage.name, stage);
    return stage;
  }

  #show(stage: Stage, now: number): void {
    this.#current = stage;
    const wait = this.#options.live ? DRAW_EVERY_MS : LINE_EVERY_MS;
    if (now - this.#shownAt < wait) return;
    this.#shownAt = now;
    if (this.#options.live) this.#draw(stage);
    else this.#options.write(renderLine(stage) + "\n");
  }

  /** A stage of unknown length ends when another one begins. */
  #sumOpenEnded(): void {
    for (const stage of this.#stages.values()) if (stage.total === undefined) this.#sum(stage);
  }

  #sum(stage: Stage): void {
    if (this.#summed.has(stage.name)) return;
    this.#summed.add(stage.name);
    if (this.#current?.name === stage.name) this.#current = undefined;
    this.note(renderSummary(stage, this.#options.style));
  }

  #draw(stage: Stage): void {
    const lines = renderPanel(stage, this.#options.width(), this.#options.style);
    const hide = this.#cursorHidden ? "" : HIDE_CURSOR;
    this.#cursorHidden = true;
    this.#options.write(hide + this.#eraser() + lines.join("\n") + "\n");
    this.#lines = lines.length;
  }

  #eraser(): string {
    return this.#lines > 0 ? `\x1b[${this.#lines}A\r\x1b[J` : "";
  }

  #clear(): void {
    if (this.#lines > 0) this.#options.write(this.#eraser());
    this.#lines = 0;
  }

  #showCursor(): void {
    if (this.#cursorHidden) this.#options.write(SHOW_CURSOR);
    this.#cursorHidden = false;
  }
}
