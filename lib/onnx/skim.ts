/**
 * Reads an ONNX file without its large weights: what is left refers to them as data of an external file, which is the
 * model's own file. A model of gigabytes is known from some megabytes this way, and its weights are never copied.
 * @module
 */
import { MESSAGE_DEPTH, type MessageKind, MESSAGES } from "./nesting.ts";
import { intField, joinBytes, sizedField, sizedHeader, WireError } from "./protobuf.ts";

/** Data of fewer bytes than this stays in the model. */
const SMALL = 65536;
/** Bytes that are read at once while fields are looked for. */
const WINDOW = 1 << 18;

/** A file, of which a part is in memory. */
class Window {
  #start = 0;
  #bytes: Uint8Array = new Uint8Array();
  constructor(readonly file: Deno.FsFile, readonly size: number) {}

  /** Bytes of the file; fewer at its end. What is small comes out of what was read before. */
  read(at: number, length: number): Uint8Array {
    const offset = at - this.#start;
    if (offset >= 0 && offset + length <= this.#bytes.length) {
      return this.#bytes.subarray(offset, offset + length);
    }
    const wanted = Math.min(Math.max(length, WINDOW), this.size - at);
    const bytes = new Uint8Array(wanted);
    this.file.seekSync(at, Deno.SeekMode.Start);
    let got = 0;
    for (let more: number | null = 0; got < wanted && more !== null; got += more ?? 0) {
      more = this.file.readSync(bytes.subarray(got));
    }
    if (length > WINDOW) return bytes.subarray(0, got);
    this.#start = at;
    this.#bytes = bytes.subarray(0, got);
    return this.#bytes.subarray(0, length);
  }
}

interface Field {
  number: number;
  wire: number;
  start: number;
  data: number;
  end: number;
}

/** The field at `at`; only tag and size are read. */
function fieldAt(window: Window, at: number, end: number): Field {
  const head = window.read(at, Math.min(20, end - at));
  let used = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      if (used >= head.length || scale > 2 ** 63) {
        throw new WireError(`a number at byte ${at} has no end`);
      }
      const byte = head[used++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const tag = varint();
  const number = Math.floor(tag / 8), wire = tag % 8;
  if (number === 0) throw new WireError(`byte ${at} has field number 0`);
  let size = 0;
  if (wire === 0) varint();
  else if (wire === 1) size = 8;
  else if (wire === 2) size = varint();
  else if (wire === 5) size = 4;
  else throw new WireError(`byte ${at} has wire type ${wire}`);
  const data = at + used;
  if (data + size > end) {
    throw new WireError(
      `the field at byte ${at} needs ${data + size - end} bytes more than there are`,
    );
  }
  return { number, wire, start: at, data, end: data + size };
}

/** A message's parts and how many bytes they are in all. */
interface Skimmed {
  parts: Uint8Array[];
  size: number;
}

function skimMessage(
  window: Window,
  start: number,
  end: number,
  kind: MessageKind,
  location: string,
  depth: number,
): Skimmed {
  // What has no room for a large weight needs no look inside.
  if (end - start < SMALL || depth > MESSAGE_DEPTH) {
    return { parts: [window.read(start, end - start).slice()], size: end - start };
  }
  const parts: Uint8Array[] = [];
  let plain = start, size = 0;
  const put = (bytes: Uint8Array) => {
    parts.push(bytes);
    size += bytes.length;
  };
  const flush = (until: number) => {
    if (until > plain) put(window.read(plain, until - plain).slice());
  };
  for (let at = start; at < end;) {
    const field = fieldAt(window, at, end);
    at = field.end;
    const inner = field.wire === 2 ? MESSAGES[kind][field.number] : undefined;
    const large = field.end - field.data >= SMALL;
    if (large && inner) {
      flush(field.start);
      const below = skimMessage(window, field.data, field.end, inner, location, depth + 1);
      put(sizedHeader(field.number, below.size));
      parts.push(...below.parts);
      size += below.size;
      plain = field.end;
    } else if (large && kind === "tensor" && field.number === 9 && field.wire === 2) {
      flush(field.start);
      put(reference(location, field.data, field.end - field.data));
      plain = field.end;
    } else if (field.end - plain > 16 * WINDOW) {
      flush(field.end);
      plain = field.end;
    }
  }
  flush(end);
  return { parts, size };
}

/** TensorProto fields that say where the data is instead of holding it. */
export function reference(location: string, offset: number, length: number): Uint8Array {
  const facts = { location, offset: String(offset), length: String(length) };
  const fields = Object.entries(facts).map(([key, value]) =>
    sizedField(13, [sizedField(1, key), sizedField(2, value)])
  );
  return joinBytes([...fields, intField(14, 1)]);
}

/**
 * The model in an open file, with weights of 64 KiB and more as external data of `location`.
 * @throws WireError when the file is no protobuf message
 */
export function skimModel(file: Deno.FsFile, location: string): Uint8Array<ArrayBuffer> {
  const { size } = file.statSync();
  const window = new Window(file, size);
  return joinBytes(skimMessage(window, 0, size, "model", location, 0).parts);
}
