/**
 * The folder for what can be made again at any time.
 * @module
 */
import { dirname, join } from "node:path";
import { writeJson } from "./atomic.ts";

/**
 * `SDM_CACHE`, or the program's folder in the system's place for caches; undefined where there is no home.
 * @param env environment variables
 */
export function cacheFolder(
  env: (name: string) => string | undefined = (name) => Deno.env.get(name),
  os: typeof Deno.build.os = Deno.build.os,
): string | undefined {
  const told = env("SDM_CACHE");
  if (told) return told;
  const home = env("HOME") || env("USERPROFILE");
  const inHome = (...parts: string[]) => home ? join(home, ...parts) : undefined;
  if (os === "windows") {
    const local = env("LOCALAPPDATA") || inHome("AppData", "Local");
    return local && join(local, "sdm", "cache");
  }
  if (os === "darwin") return inHome("Library", "Caches", "sdm");
  const xdg = env("XDG_CACHE_HOME");
  return xdg ? join(xdg, "sdm") : inHome(".cache", "sdm");
}

/** Writes JSON into a folder that is made when it is not there. */
export async function writeCached(path: string, value: unknown): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await writeJson(path, value);
}
