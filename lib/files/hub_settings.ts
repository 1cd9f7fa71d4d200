/**
 * Where the hub is, where its cache lies, and with which token it is asked: the environment variables of Hugging Face's
 * own tools, so that both share one cache.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";

/** What is known of the hub before it is asked. */
export interface HubSettings {
  /** Address of the hub, without a slash at its end. */
  readonly endpoint: string;
  /** Folder of the hub cache. */
  readonly cache: string;
  /** Token of the user, if there is one. */
  readonly token?: string;
  /** Whether the network must not be touched. */
  readonly offline: boolean;
  /** Milliseconds without a byte after which a connection counts as dropped. */
  readonly timeoutMs: number;
}

/** How fetching speaks with its caller. */
export interface HubContext {
  /** What is known of the hub. */
  settings: HubSettings;
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop; what was fetched stays for the next time. */
  signal?: AbortSignal;
}

type Environment = (name: string) => string | undefined;

function isOn(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? "");
}

function expandHome(path: string, home: string): string {
  return path.replace(/^~(?=$|[\\/])/, home).replace(/(?<=.)[\\/]+$/, "");
}

async function tokenFile(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim() || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the settings: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `HF_TOKEN` or the token file of `huggingface-cli login`,
 * `HF_HUB_OFFLINE`, `HF_HUB_DOWNLOAD_TIMEOUT` (seconds).
 * @throws SdmError when the endpoint is no address
 */
export async function hubSettings(
  env: Environment = (name) => Deno.env.get(name) || undefined,
): Promise<HubSettings> {
  const home = env("HOME") ?? env("USERPROFILE") ?? ".";
  const hfHome = expandHome(
    env("HF_HOME") ?? `${env("XDG_CACHE_HOME") ?? `${home}/.cache`}/huggingface`,
    home,
  );
  const cache = env("HF_HUB_CACHE") ?? env("HUGGINGFACE_HUB_CACHE") ?? `${hfHome}/hub`;
  const endpoint = (env("HF_ENDPOINT") ?? "https://huggingface.co").replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) {
    throw new SdmError(
      `Cannot use HF_ENDPOINT "${endpoint}": it is no address, one as https://huggingface.co is needed`,
    );
  }
  const implicit = !isOn(env("HF_HUB_DISABLE_IMPLICIT_TOKEN"));
  const token = env("HF_TOKEN") ?? env("HUGGING_FACE_HUB_TOKEN") ??
    (implicit ? await tokenFile(expandHome(env("HF_TOKEN_PATH") ?? `${hfHome}/token`, home)) : "");
  const seconds = Number(env("HF_HUB_DOWNLOAD_TIMEOUT") ?? 30);
  return Object.freeze({
    endpoint,
    cache: expandHome(cache, home),
    token: token?.trim() || undefined,
    offline: isOn(env("HF_HUB_OFFLINE")),
    timeoutMs: 1000 * (seconds > 0 ? seconds : 30),
  });
}

/** Stops what was asked to stop. */
export function checkStopped(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new SdmError("Stopped while fetching; the same command goes on from there", {
    exitCode: 130,
  });
}

/** Waits, unless asked to stop. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  checkStopped(signal);
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
  checkStopped(signal);
}

/** The innermost words of an error of the network. */
export function networkWords(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  // The address is told by whoever asks.
  return messageOf(inner).split("\n")[0]
    .replace(/^error sending request for url \(\S+\): /, "")
    .replace(/^client error \(\w+\): /, "");
}
