/**
 * The text of a run: files of this machine, or a split of a dataset on the hub whose files are fetched when they are reached.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import type { OnProgress } from "../base/progress.ts";
import { sha256 } from "../files/hash.ts";
import { openDataset } from "../files/hub_dataset.ts";
import { cachedFile, fetchFile } from "../files/hub_download.ts";
import { parseDatasetName } from "../files/hub_names.ts";
import { hubRanges } from "../files/hub_ranges.ts";
import { type HubContext, hubSettings } from "../files/hub_settings.ts";
import type { HubFile, HubRepo } from "../files/hub_types.ts";
import { corpusFingerprint, type Document, openCorpus } from "../text/corpora.ts";
import { fileRanges } from "../text/file_ranges.ts";
import { type TextFile, textForm } from "../text/text_files.ts";

/** A dataset that parts of the text come from. */
export interface DatasetOptions {
  /** `owner/name`, `owner/name@revision`, also with `:config` and `/split`. */
  name: string;
  /** Configuration, where the name says none. */
  config?: string;
  /** Split, where the name says none. */
  split?: string;
  /** Fetch parquet files whole, not only the parts that are read. */
  whole?: boolean;
}

/** A text to be read once. */
export interface Corpus {
  /** Its documents in order. */
  documents(): AsyncGenerator<Document>;
  /** What it is, for manifests: SHA-256, number of files, bytes; of a dataset after it was read. */
  facts(): Promise<{ id: string; sha256: string } & Record<string, unknown>>;
  /** Hears progress, and adds to it what was fetched. */
  onProgress: OnProgress;
}

/** Bytes of a dataset that may be read without a limit of tokens. */
const MOST_WITHOUT_LIMIT = 2 ** 30;

/** Text files of this machine. */
export function localCorpus(
  paths: readonly string[],
  textField: string,
  onProgress: OnProgress,
): Corpus {
  return {
    documents: () => openCorpus(paths, { textField }),
    facts: async () => ({
      ...await corpusFingerprint(paths),
      id: paths.map((path) => path.split(/[\\/]/).pop()).join(", "),
    }),
    onProgress,
  };
}

/**
 * A split of a dataset on the hub. Parquet is read by ranges unless it is in the cache or wanted whole; everything else is
 * fetched whole, a file when the one before it is read.
 * @param options tokens that will be read of it, to refuse a whole internet, and what stops fetching
 * @throws SdmError when the hub refuses, there is no such split, or it is stopped
 */
export async function hubCorpus(
  dataset: DatasetOptions,
  textField: string,
  onProgress: OnProgress,
  { maxTokens = Infinity, signal }: { maxTokens?: number; signal?: AbortSignal } = {},
): Promise<Corpus> {
  const context: HubContext = { settings: await hubSettings(), onProgress, signal };
  const name = parseDatasetName(dataset.name);
  const { repo, config, split, files } = await openDataset(context, {
    ...name,
    config: name.config ?? dataset.config,
    split: name.split ?? dataset.split,
  });
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (maxTokens === Infinity && total > MOST_WITHOUT_LIMIT) {
    throw new SdmError(
      `Cannot read all of dataset "${repo.id}": its ${files.length} files have ` +
        `${formatBytes(total)}, a limit is needed`,
      { hint: "--max-tokens 10_000_000" },
    );
  }
  let fetched = 0;
  const opened = new Set<HubFile>();
  const texts = files.map((file) =>
    hubText(context, repo, file, {
      whole: dataset.whole,
      onOpen: () => opened.add(file),
      onFetched: (bytes) => fetched += bytes,
    })
  );
  return {
    documents: () => openCorpus(texts, { textField }),
    facts: () => Promise.resolve(factsOf({ repo, config, split }, [...opened])),
    onProgress: (event) =>
      onProgress(
        fetched > 0
          ? { ...event, figures: { ...event.figures, fetched: formatBytes(fetched) } }
          : event,
      ),
  };
}

interface HubTextHooks {
  whole?: boolean;
  onOpen(): void;
  onFetched(bytes: number): void;
}

/** A file of the hub as a text file that is fetched, or read in ranges, once it is opened. */
function hubText(
  context: HubContext,
  repo: HubRepo,
  file: HubFile,
  { whole = false, onOpen, onFetched }: HubTextHooks,
): TextFile {
  const name = `${repo.id}/${file.path}`;
  const form = textForm(file.path);
  if (!form) throw new TypeError(`Cannot read "${name}": its kind is not known`);
  const text = { path: name, name: file.path, ...form, bytes: file.size };
  const locate = async () => {
    onOpen();
    return await fetchFile(context, repo, file);
  };
  if (form.kind !== "parquet" || whole) return { ...text, locate };
  return {
    ...text,
    ranges: async () => {
      onOpen();
      const path = await cachedFile(context, repo, file);
      if (path !== undefined) return await fileRanges(path);
      return hubRanges(context, repo, file, onFetched);
    },
  };
}

function factsOf(
  { repo, config, split }: { repo: HubRepo; config: string; split: string },
  files: readonly HubFile[],
) {
  const lines = files.map(({ path, size, etag }) => `${path}\0${size}\0${etag}\n`);
  return {
    id: repo.id,
    sha256: sha256(`${repo.id}\0${repo.commit}\n`, ...lines),
    revision: repo.commit,
    config,
    split,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    // Hashes are the hub's: SHA-256 of large files, git's of small ones.
    read: files.map(({ path, size, etag }) => ({ path, size, hash: etag })),
  };
}
