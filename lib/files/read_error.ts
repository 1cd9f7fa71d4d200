/**
 * What the system says when a file cannot be read, in the words of our error grammar.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";

/** The code of a system error (`ENOSPC`, …), or an empty string. */
export function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

/**
 * An {@link SdmError} for a read that failed; one that already is an SdmError is given back.
 * `what` names the kind of file ("config", "model"); a missing file brings the nearest names of its folder.
 */
export function readError(path: string, error: unknown, what = ""): SdmError {
  if (error instanceof SdmError) return error;
  const start = `Cannot read ${what ? what + " " : ""}"${path}"`;
  if (error instanceof Deno.errors.NotFound) {
    return new SdmError(`${start}: it does not exist, an existing file is needed`, {
      hint: neighbours(path),
      cause: error,
    });
  }
  if (error instanceof Deno.errors.PermissionDenied || codeOf(error) === "EACCES") {
    return new SdmError(`${start}: access is denied, permission to read it is needed`, {
      cause: error,
    });
  }
  if (codeOf(error) === "EISDIR" || error instanceof Deno.errors.IsADirectory) {
    return new SdmError(`${start}: it is a folder, a file is needed`, { cause: error });
  }
  return new SdmError(
    `${start}: the system says "${messageOf(error)}", a readable file is needed`,
    {
      cause: error,
    },
  );
}

function neighbours(path: string): string | undefined {
  const cut = path.lastIndexOf("/");
  const folder = cut < 0 ? "." : path.slice(0, cut) || "/";
  try {
    const names = [...Deno.readDirSync(folder)].slice(0, 1000).map((entry) => entry.name).sort();
    return didYouMean(path.slice(cut + 1), names) || undefined;
  } catch {
    return `the folder "${folder}" does not exist either`;
  }
}
