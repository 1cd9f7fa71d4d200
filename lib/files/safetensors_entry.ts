/**
 * Members of a safetensors header as they are written, with counts that are not rounded yet.
 * @module
 */
import { DTYPE_BITS } from "./safetensors_dtypes.ts";
import { JsonNumber, JsonObject, type JsonValue } from "./strict_json.ts";

const MAX_U64 = 2n ** 64n - 1n;

/** One tensor as the header describes it. */
export interface RawInfo {
  /** Its name. */
  name: string;
  /** Element type, one that the format knows. */
  dtype: string;
  /** Extents. */
  shape: bigint[];
  /** First byte of its data. */
  begin: bigint;
  /** Byte after its last. */
  end: bigint;
}

/** Throws the error of a header that does not decode. */
export type Bad = (problem: string) => never;

/** The strings of `__metadata__`; an absent or null one is empty. */
export function readMetadata(value: JsonValue | undefined, bad: Bad): Map<string, string> {
  if (value === undefined || value === null) return new Map();
  if (!(value instanceof JsonObject)) {
    return bad('its "__metadata__" is not an object, one is needed');
  }
  const strings = new Map<string, string>();
  // Values that are given again are decoded too before they are forgotten.
  for (const [key, text] of [...value.duplicates, ...value.members]) {
    if (typeof text !== "string") {
      bad(`its metadata ${JSON.stringify(key)} is not a string, only strings are allowed`);
    }
    strings.set(key, text as string);
  }
  return strings;
}

/**
 * One member of the header. The reference's decoder also takes a list of the three fields, and `{"F32": null}` for
 * a type: so does `lenient`.
 */
export function readEntry(name: string, entry: JsonValue, lenient: boolean, bad: Bad): RawInfo {
  const shown = JSON.stringify(name.slice(0, 100));
  let fields: (JsonValue | undefined)[];
  if (entry instanceof JsonObject) {
    const wanted = ["dtype", "shape", "data_offsets"];
    const twice = wanted.find((key) => entry.duplicates.some(([again]) => again === key));
    if (twice) bad(`tensor ${shown} has "${twice}" twice, one is needed`);
    fields = wanted.map((key) => entry.members.get(key));
  } else if (lenient && Array.isArray(entry) && entry.length === 3) {
    fields = entry;
  } else return bad(`tensor ${shown} is not described by an object, one is needed`);
  const [named, shape, offsets] = fields;
  let dtype = named;
  if (lenient && named instanceof JsonObject && named.members.size === 1) {
    const [[key, value]] = named.members;
    if (value === null) dtype = key;
  }
  if (typeof dtype !== "string" || !DTYPE_BITS.has(dtype)) {
    const found = typeof dtype === "string" ? JSON.stringify(dtype.slice(0, 40)) : "none";
    return bad(
      `tensor ${shown} has dtype ${found}, one of ${[...DTYPE_BITS.keys()].join(", ")} is needed`,
    );
  }
  const counts = (value: JsonValue | undefined, what: string): bigint[] => {
    if (!Array.isArray(value)) {
      return bad(`${what} of tensor ${shown} is not a list, one is needed`);
    }
    return value.map((item) => {
      const text = item instanceof JsonNumber ? item.text : "";
      if (!/^[0-9]+$/.test(text) || BigInt(text) > MAX_U64) {
        return bad(
          `${what} of tensor ${shown} holds something that is not a count, a whole number is needed`,
        );
      }
      return BigInt(text);
    });
  };
  const extents = counts(shape, '"shape"');
  const range = counts(offsets, '"data_offsets"');
  if (range.length !== 2) {
    bad(`"data_offsets" of tensor ${shown} has ${range.length} numbers, 2 are needed`);
  }
  return { name, dtype, shape: extents, begin: range[0], end: range[1] };
}
