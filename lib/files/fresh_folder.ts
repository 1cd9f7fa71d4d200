/**
 * The rule that nothing is written over by accident: a folder that holds a run or a store is refused.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { writeError } from "./atomic.ts";

/** Names that mark a folder as taken. */
const MARKS = ["manifest.json", "manifest.partial.json", "config.json"];

/** Everything that this program writes at the top of a run folder or of an activation store. */
const OURS = [
  /^(config|manifest|manifest\.partial|sdm|eval|cfg|run)\.json$/,
  /^metrics\.jsonl$/,
  /^report\.(html|json)$/,
  /^(checkpoints|final)$/,
  /^(stats|sae_weights|sparsity|shard-\d+)\.safetensors$/,
  /\.partial$/,
];

/** Options of {@link ensureFreshFolder}. */
export interface FreshFolderOptions {
  /** Removes what an earlier run left; files that this program does not write stay. */
  overwrite?: boolean;
  /** What the folder is for, in errors: "a run" (default), "an activation store". */
  holds?: string;
  /** What to do about a folder that is taken. */
  hint?: string;
}

/** Takes away a folder in which nothing was written before work failed; one that holds anything stays. */
export async function removeIfEmpty(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
}

/**
 * Makes a folder, or empties it of an earlier run when `overwrite` says so.
 * @throws {SdmError} when the folder already holds a run, or cannot be made.
 */
export async function ensureFreshFolder(
  path: string,
  options: FreshFolderOptions = {},
): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
    const names = (await Array.fromAsync(Deno.readDir(path))).map((entry) => entry.name);
    const mark = MARKS.find((name) => names.includes(name));
    if (!mark) return;
    if (!options.overwrite) {
      throw new SdmError(
        `Cannot write to "${path}": it already holds ${options.holds ?? "a run"} ("${mark}"), ` +
          "an empty or new folder is needed",
        { hint: options.hint ?? "--resume to continue it, or --overwrite to start anew" },
      );
    }
    // Marks go last: a half-emptied folder is still known for what it is.
    const ours = names.filter((name) => OURS.some((pattern) => pattern.test(name)));
    ours.sort((a, b) => Number(MARKS.includes(a)) - Number(MARKS.includes(b)));
    for (const name of ours) await Deno.remove(`${path}/${name}`, { recursive: true });
  } catch (error) {
    throw writeError(path, error);
  }
}
