/**
 * What is known of a repository of the hub.
 * @module
 */
import type { RepoKind } from "./hub_names.ts";

/** A file of a repository. */
export interface HubFile {
  /** Path in the repository. */
  path: string;
  /** Bytes. */
  size: number;
  /** Its name among the blobs of the cache: the SHA-256 of a large file, git's hash of a small one. */
  etag: string;
  /** SHA-256 of a large file. */
  sha256?: string;
}

/** A repository at one commit. */
export interface HubRepo {
  /** What it is. */
  readonly kind: RepoKind;
  /** `owner/name`. */
  readonly id: string;
  /** The commit. */
  readonly commit: string;
  /** `configs` of its card, as the hub gives them. */
  readonly configs?: unknown;
  /** All files below a folder ("" for all), sorted by path. */
  files(folder: string): Promise<readonly HubFile[]>;
}
