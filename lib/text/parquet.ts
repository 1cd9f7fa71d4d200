/**
 * Texts out of a column of a parquet file, a group of rows at a time: only that column's bytes of that group are read.
 * @module
 */
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { messageOf, SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { fileRanges } from "./file_ranges.ts";
import type { ByteRanges, TextFile } from "./text_files.ts";

/** A parquet file whose column of texts was found. */
export interface TextTable {
  /** The file. */
  file: TextFile;
  /** Its bytes. */
  ranges: ByteRanges;
  /** Its footer. */
  metadata: FileMetaData;
  /** Name of the column. */
  column: string;
}

/**
 * Opens a parquet file and finds the column of texts in it.
 * @throws {SdmError} when it is no parquet file, or has no such column of texts
 */
export async function openTable(file: TextFile, column: string): Promise<TextTable> {
  const ranges = await file.ranges?.() ??
    await fileRanges(file.locate ? await file.locate() : file.path);
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(ranges as AsyncBuffer);
  } catch (error) {
    throw damaged(file, error);
  }
  const columns = metadata.schema.slice(1);
  const found = columns.find(({ name }) => name === column);
  if (found?.type === "BYTE_ARRAY" && found.num_children === undefined) {
    return { file, ranges, metadata, column };
  }
  const texts = columns.filter(({ type }) => type === "BYTE_ARRAY").map(({ name }) => name);
  const listed = texts.slice(0, 8).map((name) => `"${name}"`).join(", ");
  throw new SdmError(
    `Cannot read text "${file.path}": ${
      found ? `its column "${column}" holds no texts` : `it has no column "${column}"`
    }, the text of the documents is needed there`,
    {
      hint: didYouMean(column, texts) ||
        (listed ? `data.text_field names another: it has ${listed}` : undefined),
    },
  );
}

/**
 * The texts of a table with their rows, from 0; rows without a text are left out.
 * @throws {SdmError} when the file is damaged
 */
export async function* tableTexts(
  { file, ranges, metadata, column }: TextTable,
): AsyncGenerator<{ text: string; row: number }> {
  let first = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = first + Number(num_rows);
    let rows: unknown[][] = [];
    try {
      await parquetRead({
        file: ranges as AsyncBuffer,
        metadata,
        columns: [column],
        rowStart: first,
        rowEnd: end,
        compressors,
        onComplete: (all) => rows = all as unknown[][],
      });
    } catch (error) {
      throw damaged(file, error);
    }
    for (let i = 0; i < rows.length; i++) {
      const text = rows[i][0];
      if (typeof text === "string") yield { text, row: first + i };
    }
    first = end;
  }
}

function damaged(file: TextFile, error: unknown): SdmError {
  if (error instanceof SdmError) return error;
  return new SdmError(
    `Cannot read text "${file.path}": it is damaged or cut short (${messageOf(error)}), ` +
      "a whole parquet file is needed",
    { cause: error },
  );
}
