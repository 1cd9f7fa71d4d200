/**
 * Append-only files of one JSON value a line; a last line that a crash has torn is left out on reading.
 * @module
 */
import { writeError, writeFileAtomic } from "./atomic.ts";
import { parseJson, readTextFile } from "./documents.ts";

/**
 * The values of a JSON-lines file; blank lines are skipped.
 * @throws {SdmError} when the file cannot be read or a line other than a torn last one is not JSON.
 */
export async function readJsonLines(path: string): Promise<unknown[]> {
  const lines = (await readTextFile(path)).split("\n");
  const values: unknown[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === "") return;
    try {
      values.push(JSON.parse(line));
    } catch {
      // Only the text after the last newline can be torn.
      if (i < lines.length - 1) parseJson(line, `${path}:${i + 1}`);
    }
  });
  return values;
}

/** Appends values to a JSON-lines file, each with one write, so that a crash tears at most the last. */
export class JsonLinesWriter implements Disposable {
  #file: Deno.FsFile | undefined;
  #length: number;

  private constructor(readonly path: string, file: Deno.FsFile) {
    this.#file = file;
    this.#length = file.statSync().size;
  }

  /**
   * Opens a file for appending, or makes it.
   * @param keep for a resumed run: which of the values that are there stay; the file is rewritten without the others.
   */
  static async open(path: string, keep?: (value: unknown) => boolean): Promise<JsonLinesWriter> {
    // A device or a pipe has no earlier lines.
    const isFile = await Deno.stat(path).then((info) => info.isFile, () => false);
    if (isFile) {
      const before = await readTextFile(path);
      const values = (await readJsonLines(path)).filter((value) => keep?.(value) ?? true);
      const after = values.map((value) => JSON.stringify(value) + "\n").join("");
      if (keep || !before.endsWith("\n")) {
        if (after !== before) await writeFileAtomic(path, after);
      }
    }
    try {
      return new JsonLinesWriter(path, await Deno.open(path, { append: true, create: true }));
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /**
   * Adds one value; NaN and infinities become null, as JSON has no word for them.
   * @throws {SdmError} when the disk is full; the lines before are whole then.
   */
  append(value: unknown): void {
    if (!this.#file) throw new TypeError(`Cannot write "${this.path}": the file is closed`);
    const bytes = new TextEncoder().encode(JSON.stringify(value) + "\n");
    try {
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
      this.#length += bytes.length;
    } catch (error) {
      try {
        this.#file.truncateSync(this.#length);
      } catch { /* the reader leaves a torn line out */ }
      throw writeError(this.path, error, this.#length);
    }
  }

  /** Puts what was appended on disk. */
  flush(): void {
    try {
      this.#file?.syncSync();
    } catch (error) {
      throw writeError(this.path, error, this.#length);
    }
  }

  /** Closes the file; nothing happens the second time. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.close();
  }
}
