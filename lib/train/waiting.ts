/**
 * Who waits for whom: training for its data, or the model that makes them for training.
 * @module
 */
import type { BatchSource } from "../data/types.ts";

/** What is waited so far. */
export type Waits = Pick<BatchSource, "waitedSeconds" | "idleSeconds">;

const percent = (part: number, seconds: number) =>
  `${Math.round(100 * Math.min(1, Math.max(0, part / Math.max(1e-9, seconds))))} %`;

/**
 * One figure for the progress line, which reads as a sentence: `training waits 62 % for the model`, or `the model waits
 * 30 % for training`; where both share a device and so cannot wait for each other, `the model takes 40 % of the time`.
 * @param before what had been waited when training began, `seconds` ago
 * @param source where rows come from: `model` or `store`
 */
export function waitingFigure(
  { waitedSeconds, idleSeconds }: Waits,
  before: Waits,
  seconds: number,
  source: string,
): Record<string, string> {
  const maker = source === "model" ? "model" : "store";
  const waited = waitedSeconds - before.waitedSeconds;
  if (idleSeconds === undefined && maker === "model") {
    return { "the model takes": `${percent(waited, seconds)} of the time` };
  }
  const idle = (idleSeconds ?? 0) - (before.idleSeconds ?? 0);
  return maker === "model" && idle > waited
    ? { "the model waits": `${percent(idle, seconds)} for training` }
    : { "training waits": `${percent(waited, seconds)} for the ${maker}` };
}
