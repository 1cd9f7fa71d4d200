/**
 * A hub on this machine: its API, its files, and a second server for large files, as the real one sends to. Faults are put
 * in by hand.
 */
import { createHash } from "node:crypto";

/** A repository that the server knows. */
export interface ServedRepo {
  /** Commit of its only branch, `main`. */
  commit: string;
  /** Contents by path; text stands for its UTF-8. */
  files: Record<string, string | Uint8Array>;
  /** Sizes that the listing tells in place of the true ones. */
  sizes?: Record<string, number>;
  /** `configs` of its card. */
  configs?: unknown;
  /** Token that is asked for. */
  token?: string;
  /** Its licence was not accepted. */
  gated?: boolean;
}

/** One request as the server saw it. */
export interface Seen {
  host: "hub" | "cdn";
  path: string;
  range?: string;
  authorization?: string;
}

/** What goes wrong with a file on the second server; each is taken once unless `always`. */
export interface Fault {
  /** End of the file's path. */
  file: string;
  /** Breaks the connection after so many bytes. */
  dropAfter?: number;
  /** Answers so in place of the file. */
  status?: number;
  /** Sends other bytes of the same length. */
  wrong?: boolean;
  /** Sends the whole file although a range was asked for. */
  ignoreRange?: boolean;
  /** Stays silent after so many bytes. */
  hangAfter?: number;
  /** Happens again and again. */
  always?: boolean;
}

/** A running hub. */
export interface Hub extends AsyncDisposable {
  /** Address for HF_ENDPOINT. */
  url: string;
  /** Repositories by `models/owner/name` or `datasets/owner/name`. */
  repos: Record<string, ServedRepo>;
  /** What was asked for. */
  seen: Seen[];
  /** What will go wrong. */
  faults: Fault[];
  /** Bytes of files that were sent. */
  sent(): number;
}

const PAGE = 3;

/** SHA-256 in hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Git's name of a file. */
export function gitHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

function bytesOf(content: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof content === "string" ? new TextEncoder().encode(content) : content.slice();
}

/** Whether a file is kept in large-file storage. */
function isLarge(path: string): boolean {
  return /\.(onnx|onnx_data|parquet|zst|gz|bin)$/.test(path);
}

/** Starts the two servers on free ports. */
export function startHub(repos: Record<string, ServedRepo>): Hub {
  const seen: Seen[] = [];
  const faults: Fault[] = [];
  let sent = 0;
  const blobs = new Map<string, { path: string; bytes: Uint8Array<ArrayBuffer> }>();

  const takeFault = (path: string): Fault | undefined => {
    const at = faults.findIndex(({ file }) => path.endsWith(file));
    const fault = faults[at];
    if (fault && !fault.always) faults.splice(at, 1);
    return fault;
  };

  const file = (request: Request, path: string, whole: Uint8Array<ArrayBuffer>): Response => {
    const fault = takeFault(path);
    if (fault?.status) {
      return new Response("later", { status: fault.status, headers: { "retry-after": "0.05" } });
    }
    const all = fault?.wrong ? whole.map((byte) => byte ^ 1) : whole;
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    const range = fault?.ignoreRange ? undefined : asked;
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Number(range[2]) + 1 : all.length;
    if (range && start >= all.length) return new Response("", { status: 416 });
    const part = all.subarray(start, end);
    const headers: Record<string, string> = { "content-length": String(part.length) };
    if (range) headers["content-range"] = `bytes ${start}-${end - 1}/${all.length}`;
    const stop = fault?.dropAfter ?? fault?.hangAfter;
    sent += stop === undefined ? part.length : Math.min(stop, part.length);
    let timer: ReturnType<typeof setTimeout>;
    const body = stop === undefined ? part : new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(part.subarray(0, stop));
        const ms = fault?.dropAfter === undefined ? 20_000 : 20;
        timer = setTimeout(() => controller.error(new Error("dropped")), ms);
      },
      cancel: () => clearTimeout(timer),
    });
    return new Response(body, { status: range ? 206 : 200, headers });
  };

  const end = new AbortController();
  const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: end.signal };
  const note = (host: Seen["host"], request: Request) => {
    const { pathname, search } = new URL(request.url);
    seen.push({
      host,
      path: decodeURIComponent(pathname + search),
      range: request.headers.get("range") ?? undefined,
      authorization: request.headers.get("authorization") ?? undefined,
    });
  };

  const cdn = Deno.serve(
    { ...quiet, onError: () => new Response("", { status: 500 }) },
    (request) => {
      note("cdn", request);
      const blob = blobs.get(new URL(request.url).pathname.slice(1));
      return blob ? file(request, blob.path, blob.bytes) : new Response("", { status: 404 });
    },
  );

  const refused = (repo: ServedRepo | undefined, request: Request): Response | undefined => {
    const bearer = request.headers.get("authorization");
    const no = (status: number, code: string) =>
      Response.json({ error: code }, { status, headers: { "x-error-code": code } });
    if (!repo) return no(404, "RepoNotFound");
    if (repo.token && bearer !== `Bearer ${repo.token}`) return no(401, "");
    return repo.gated ? no(403, "GatedRepo") : undefined;
  };

  const api = (request: Request, url: URL): Response => {
    const fault = takeFault(url.pathname);
    if (fault?.status) return new Response("later", { status: fault.status });
    const answer = knownTo(request, url);
    if (fault?.dropAfter === undefined) return answer;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(fault.dropAfter!).fill(32));
        setTimeout(() => controller.error(new Error("dropped")), 20);
      },
    });
    return new Response(body, { headers: answer.headers });
  };

  const knownTo = (request: Request, url: URL): Response => {
    const search = url.searchParams.get("search");
    const [, , kind, ...rest] = decodeURIComponent(url.pathname).split("/");
    if (search !== null) {
      const author = url.searchParams.get("author");
      const names = Object.keys(repos).filter((key) => key.startsWith(`${kind}/`))
        .map((key) => key.slice(kind.length + 1))
        .filter((id) => author === null || id.startsWith(`${author}/`));
      return Response.json(names.map((id) => ({ _id: id, id, private: false })));
    }
    const id = rest.slice(0, 2).join("/");
    const repo = repos[`${kind}/${id}`];
    const no = refused(repo, request);
    if (no) return no;
    const revision = rest[3];
    if (revision !== "main" && revision !== repo.commit) {
      return Response.json({}, { status: 404, headers: { "x-error-code": "RevisionNotFound" } });
    }
    if (rest[2] === "revision") {
      const cardData = { configs: repo.configs };
      return Response.json({ _id: id, id, sha: repo.commit, private: false, cardData });
    }
    const folder = rest.slice(4).join("/");
    const paths = Object.keys(repo.files).filter((path) =>
      folder === "" || path.startsWith(`${folder}/`)
    );
    const first = Number(url.searchParams.get("cursor") ?? 0);
    const entries = paths.slice(first, first + PAGE).map((path) => {
      const bytes = bytesOf(repo.files[path]);
      const lfs = {
        oid: sha256Of(bytes),
        size: repo.sizes?.[path] ?? bytes.length,
        pointerSize: 128,
      };
      const oid = gitHash(bytes);
      const size = repo.sizes?.[path] ?? bytes.length;
      return { type: "file", path, size, oid, ...isLarge(path) && { lfs } };
    });
    const headers: Record<string, string> = {};
    if (first + PAGE < paths.length) {
      url.searchParams.set("cursor", String(first + PAGE));
      headers.link = `<${url.href}>; rel="next"`;
    }
    return Response.json(entries, { headers });
  };

  const hub = Deno.serve(
    { ...quiet, onError: () => new Response("", { status: 500 }) },
    (request) => {
      note("hub", request);
      const url = new URL(request.url);
      if (url.pathname.startsWith("/api/")) return api(request, url);
      const match = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/
        .exec(decodeURIComponent(url.pathname));
      const repo = match ? repos[`${match[1] ?? "models/"}${match[2]}`] : undefined;
      const no = refused(repo, request);
      if (no || !repo || !match) return no ?? new Response("", { status: 404 });
      const path = match[4], content = repo.files[path];
      if (content === undefined) {
        return new Response("", { status: 404, headers: { "x-error-code": "EntryNotFound" } });
      }
      const bytes = bytesOf(content), sha = sha256Of(bytes);
      const headers: Record<string, string> = {
        "x-repo-commit": repo.commit,
        etag: `"${gitHash(bytes)}"`,
        ...isLarge(path) && {
          "x-linked-size": String(bytes.length),
          "x-linked-etag": `"${sha}"`,
        },
      };
      if (!isLarge(path)) {
        if (request.method === "HEAD") {
          return new Response(null, {
            headers: { ...headers, "content-length": `${bytes.length}` },
          });
        }
        const response = file(request, path, bytes);
        for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
        return response;
      }
      blobs.set(sha, { path, bytes });
      const location = `http://127.0.0.1:${cdn.addr.port}/${sha}`;
      return new Response(null, { status: 302, headers: { ...headers, location } });
    },
  );

  return {
    url: `http://127.0.0.1:${hub.addr.port}`,
    repos,
    seen,
    faults,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      end.abort();
      await Promise.all([hub.finished, cdn.finished]);
    },
  };
}
