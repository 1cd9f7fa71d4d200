/**
 * What is known of one stage of long work, updated from progress events. Pure.
 * @module
 */
import type { ProgressEvent } from "../../base/progress.ts";

/** A stage as seen so far; times are milliseconds. */
export interface Stage {
  /** Its name: "harvest", "train". */
  name: string;
  /** Name of the unit. */
  unit: string;
  /** Units done. */
  done: number;
  /** Units in all, if known. */
  total?: number;
  /** Time of the first event. */
  startedAt: number;
  /** Units that were done at the first event: more than none when a run is resumed. */
  startedDone: number;
  /** Time of the latest event. */
  at: number;
  /** Recent (time, done) pairs, from which the rate is taken. */
  recent: readonly (readonly [number, number])[];
  /** Latest figures. */
  figures: Record<string, number | string>;
  /** Course of the fraction of variance unexplained, where the figures have one. */
  fvu: readonly number[];
}

const RECENT_MS = 20_000;
const MOST_POINTS = 1024;

/** The value of the figure that tells the fraction of variance unexplained. */
function fvuOf(figures: Record<string, number | string>): number | undefined {
  const entry = Object.entries(figures).find(([name]) => /(^|\/)fvu$/.test(name));
  return typeof entry?.[1] === "number" ? entry[1] : undefined;
}

/** A stage at its first event. */
export function beginStage(event: ProgressEvent, now: number): Stage {
  const fvu = event.figures && fvuOf(event.figures);
  return {
    name: event.stage,
    unit: event.unit,
    done: event.done,
    total: event.total,
    startedAt: now,
    startedDone: event.done,
    at: now,
    recent: [[now, event.done]],
    figures: event.figures ?? {},
    fvu: fvu === undefined ? [] : [fvu],
  };
}

function extended(points: readonly number[], value: number | undefined): readonly number[] {
  if (value === undefined) return points;
  const thinned = points.length < MOST_POINTS ? points : points.filter((_, i) => i % 2 === 0);
  return [...thinned, value];
}

/** The stage after one more event of it. */
export function advanceStage(stage: Stage, event: ProgressEvent, now: number): Stage {
  const kept = stage.recent.filter(([time]) => now - time <= RECENT_MS);
  const before = kept.length > 0 ? kept : stage.recent.slice(-1);
  const thinned = before.length < 64 ? before : before.filter((_, i) => i % 2 === 0);
  return {
    ...stage,
    unit: event.unit,
    done: event.done,
    total: event.total ?? stage.total,
    at: now,
    recent: [...thinned, [now, event.done]],
    figures: event.figures ? { ...stage.figures, ...event.figures } : stage.figures,
    fvu: event.figures ? extended(stage.fvu, fvuOf(event.figures)) : stage.fvu,
  };
}

/** Units a second over the last twenty seconds; undefined before it can be known. */
export function recentRate(stage: Stage): number | undefined {
  const [first, last] = [stage.recent[0], stage.recent[stage.recent.length - 1]];
  const seconds = (last[0] - first[0]) / 1000;
  return seconds > 0 && last[1] > first[1] ? (last[1] - first[1]) / seconds : undefined;
}

/** Units a second over the whole stage. */
export function meanRate(stage: Stage): number | undefined {
  const seconds = (stage.at - stage.startedAt) / 1000;
  const units = stage.done - stage.startedDone;
  return seconds > 0 && units > 0 ? units / seconds : undefined;
}

/** Seconds until the stage ends at its recent rate; undefined where that is not known. */
export function secondsLeft(stage: Stage): number | undefined {
  const rate = recentRate(stage);
  if (stage.total === undefined || rate === undefined) return undefined;
  return Math.max(0, stage.total - stage.done) / rate;
}

/** Whether all units are done. */
export function isComplete(stage: Stage): boolean {
  return stage.total !== undefined && stage.done >= stage.total;
}
