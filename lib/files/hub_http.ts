/**
 * Requests to the hub: redirects without the token, refusals in our words, retries with growing waits.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { TOOL } from "../base/version.ts";
import { checkStopped, type HubContext, networkWords, pause } from "./hub_settings.ts";

const MOST_REDIRECTS = 8;
/** Failures in a row after which a request is given up, and for a hub that does not answer at all. */
const MOST_FAILURES = 6, MOST_REFUSALS = 3;
const FIRST_WAIT_MS = 400, LONGEST_WAIT_MS = 15_000, LONGEST_TOLD_WAIT_MS = 120_000;

/** Something that may go well the next time. */
export class TransientError extends Error {
  /** Name of the class. */
  override readonly name = "TransientError";
  /** A failure with the wait that the server asks for, in milliseconds, and whether no server was there at all. */
  constructor(message: string, readonly waitMs?: number, readonly unreachable: boolean = false) {
    super(message);
  }
}

/** The hub could not be reached at all; what is cached may do. */
export class UnreachableError extends SdmError {}

/** One request. */
export interface HubRequest {
  /** Address. */
  url: string;
  /** What it is for, as errors say it: `model "a/b"`. */
  what: string;
  /** More headers. */
  headers?: Record<string, string>;
}

/**
 * Sends one request and follows its redirects. The token goes to the endpoint's own host only, never to where a redirect
 * leads.
 * @throws TransientError when another try may help
 * @throws SdmError when the hub refuses
 */
export async function hubRequest(
  { settings, signal }: HubContext,
  { url, what, headers = {} }: HubRequest,
): Promise<Response> {
  const home = new URL(settings.endpoint).origin;
  let target = new URL(url);
  for (let hop = 0; hop < MOST_REDIRECTS; hop++) {
    const own = target.origin === home && settings.token !== undefined;
    const response = await send(
      target,
      {
        ...headers,
        "user-agent": TOOL.replace(" ", "/"),
        // Ranges are counted in stored bytes; a packed answer would shift them.
        "accept-encoding": "identity",
        ...own && { authorization: `Bearer ${settings.token}` },
      },
      settings.timeoutMs,
      signal,
    );
    const next = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || next === null) {
      if (response.ok) return response;
      throw await refusal(response, what, settings.token !== undefined);
    }
    await response.body?.cancel();
    target = new URL(next, target);
  }
  throw new SdmError(`Cannot fetch ${what}: it was redirected ${MOST_REDIRECTS} times`);
}

async function send(
  url: URL,
  headers: Record<string, string>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Response> {
  checkStopped(signal);
  // The time ends with the headers: a body is watched by whoever reads it.
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  const onAbort = () => stop.abort();
  signal?.addEventListener("abort", onAbort);
  try {
    return await fetch(url, { headers, redirect: "manual", signal: stop.signal });
  } catch (error) {
    checkStopped(signal);
    if (stop.signal.aborted) {
      throw new TransientError(
        `${url.host} said nothing for ${timeoutMs / 1000} s`,
        undefined,
        true,
      );
    }
    const words = networkWords(error);
    const unreachable = /refused|dns|lookup|unreachable|resolve|blocked|not known/i.test(words);
    throw new TransientError(`${url.host}: ${words}`, undefined, unreachable);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Milliseconds that a Retry-After header asks for. */
function toldWait(response: Response): number | undefined {
  const text = response.headers.get("retry-after");
  if (text === null) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(LONGEST_TOLD_WAIT_MS, Math.max(0, ms)) : undefined;
}

async function refusal(response: Response, what: string, hasToken: boolean): Promise<Error> {
  const { status, headers } = response;
  const code = headers.get("x-error-code") ?? "";
  const told = headers.get("x-error-message") ?? "";
  await response.body?.cancel();
  if (status === 408 || status === 429 || status >= 500) {
    return new TransientError(`it answered ${status}${told && ` (${told})`}`, toldWait(response));
  }
  const start = `Cannot fetch ${what}`;
  if (code === "GatedRepo" || status === 403) {
    return new SdmError(
      `${start}: the hub refuses (${status}), it is gated or not for this token`,
      {
        hint: hasToken
          ? "accept its licence on its page of the hub with the account of the token"
          : "accept its licence on its page of the hub, then set HF_TOKEN",
      },
    );
  }
  if (status === 401 && code !== "RepoNotFound") {
    return new SdmError(
      `${start}: the hub answers 401, ${hasToken ? "a token that is valid" : "a token"} is needed`,
      { hint: "set HF_TOKEN to a token of the hub; a misspelt name is answered so as well" },
    );
  }
  if (status === 404 || code === "RepoNotFound") {
    return new NotFoundError(what, code, told, hasToken);
  }
  return new SdmError(`${start}: the hub answers ${status}${told && ` (${told})`}`);
}

/** The hub does not know a repository, a revision or a file. */
export class NotFoundError extends SdmError {
  /** Makes the error from what the hub said. */
  constructor(what: string, readonly code: string, told: string, hasToken: boolean) {
    const which = code === "RevisionNotFound"
      ? "there is no such revision"
      : code === "EntryNotFound"
      ? "there is no such file"
      : "the hub has nothing of that name";
    super(`Cannot fetch ${what}: ${which}${told && ` (${told})`}, an existing one is needed`, {
      hint: hasToken || code ? undefined : "a private one needs HF_TOKEN",
    });
  }
}

/** How {@link withRetries} tries. */
export interface RetryOptions {
  /** What is fetched, for errors. */
  what: string;
  /** A number that grows while there is progress: then failures are counted anew. */
  progress?: () => number;
  /** Hears of every wait. */
  onRetry?: (failures: number, reason: string) => void;
}

/**
 * Tries until it works. Waits double from 0.4 s to 15 s, unless the server says how long.
 * @throws UnreachableError when there is no connection, else the last failure as an SdmError
 */
export async function withRetries<T>(
  { settings, signal }: HubContext,
  { what, progress = () => 0, onRetry }: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  let failures = 0;
  let before = progress();
  while (true) {
    checkStopped(signal);
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      const now = progress();
      failures = now > before ? 1 : failures + 1;
      before = now;
      if (failures >= (error.unreachable ? MOST_REFUSALS : MOST_FAILURES)) {
        const message = `Cannot fetch ${what} from ${settings.endpoint}: ${error.message}, ` +
          `${failures} tries in a row failed`;
        if (error.unreachable) {
          throw new UnreachableError(message, {
            hint: "HF_ENDPOINT names another address; HF_HUB_OFFLINE=1 takes what is in the cache",
          });
        }
        throw new SdmError(message, { hint: "the same command goes on where this one stopped" });
      }
      onRetry?.(failures, error.message);
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
      await pause(error.waitMs ?? wait, signal);
    }
  }
}

/**
 * An answer of the hub's API, its body read: a connection that drops in the middle counts as a failed try.
 * @throws TransientError, SdmError as {@link hubRequest} does
 */
export async function apiAnswer(context: HubContext, request: HubRequest): Promise<Response> {
  const { status, headers, body } = await hubRequest(context, request);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  let piece: Uint8Array<ArrayBuffer> | undefined;
  while (reader && (piece = await readPiece(reader, context)) !== undefined) pieces.push(piece);
  return new Response(new Blob(pieces), { status, headers });
}

/** Reads the next piece of a body; a connection that stays silent too long counts as dropped. */
export async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  { settings, signal }: HubContext,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const seconds = settings.timeoutMs / 1000;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort = () => {};
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TransientError(`nothing came for ${seconds} s`)),
      settings.timeoutMs,
    );
    onAbort = () => reject(new TransientError("stopped"));
    signal?.addEventListener("abort", onAbort);
  });
  try {
    const { value, done } = await Promise.race([reader.read(), silence]);
    return done ? undefined : value;
  } catch (error) {
    checkStopped(signal);
    if (error instanceof TransientError) throw error;
    throw new TransientError(`the connection was lost (${networkWords(error)})`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
