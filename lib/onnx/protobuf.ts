/**
 * The protobuf wire format, as much of it as editing an ONNX file needs: fields are found, not copied.
 * Source: protobuf.dev, "Encoding".
 * @module
 */

/** One field of a message: where it is, not what it means. */
export interface WireField {
  /** Field number. */
  number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  wire: number;
  /** Offset of the tag, so that [start, end) is the whole field. */
  start: number;
  /** Offset of the value; for wire type 2 of the payload. */
  data: number;
  /** Offset behind the value. */
  end: number;
}

/** The bytes are no protobuf message; the message says where and why. */
export class WireError extends Error {
  /** Name of the class. */
  override readonly name = "WireError";
}

/** Reads a varint of up to 64 bits at `at`, never past `end`. */
function readVarint(bytes: Uint8Array, at: number, end: number): { value: bigint; next: number } {
  let low = 0, scale = 1;
  for (let i = at; i < end && i < at + 10; i++) {
    const byte = bytes[i];
    // Seven groups fit in 49 bits, which a number holds exactly; longer ones are read again as bigint.
    if (i < at + 7) {
      low += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return { value: BigInt(low), next: i + 1 };
    } else if (byte < 0x80) {
      let value = 0n;
      for (let j = i; j >= at; j--) value = (value << 7n) | BigInt(bytes[j] & 0x7f);
      return { value: BigInt.asUintN(64, value), next: i + 1 };
    }
  }
  throw new WireError(`a number at byte ${at} has no end`);
}

/** Reads a varint that must be a size or a tag: a non-negative integer below 2^53. */
function readSize(bytes: Uint8Array, at: number, end: number): { value: number; next: number } {
  const first = bytes[at];
  if (at < end && first < 0x80) return { value: first, next: at + 1 };
  const { value, next } = readVarint(bytes, at, end);
  if (value > 9007199254740991n) throw new WireError(`the size at byte ${at} is ${value}`);
  return { value: Number(value), next };
}

/**
 * The fields of the message in `bytes[start, end)`, in file order.
 * @throws WireError when the bytes end inside a field or use a wire type that protobuf 3 does not have
 */
export function readFields(bytes: Uint8Array, start = 0, end = bytes.length): WireField[] {
  const fields: WireField[] = [];
  let at = start;
  while (at < end) {
    const tag = readSize(bytes, at, end);
    const number = Math.floor(tag.value / 8), wire = tag.value % 8;
    let data = tag.next, stop: number;
    if (wire === 0) stop = readVarint(bytes, data, end).next;
    else if (wire === 1) stop = data + 8;
    else if (wire === 5) stop = data + 4;
    else if (wire === 2) {
      const size = readSize(bytes, data, end);
      data = size.next;
      stop = data + size.value;
    } else throw new WireError(`byte ${at} has wire type ${wire}`);
    if (number === 0) throw new WireError(`byte ${at} has field number 0`);
    if (stop > end) {
      throw new WireError(`the field at byte ${at} needs ${stop - end} bytes more than there are`);
    }
    fields.push({ number, wire, start: at, data, end: stop });
    at = stop;
  }
  return fields;
}

/** The value of a varint field as a signed 64-bit integer. */
export function fieldBigInt(bytes: Uint8Array, field: WireField): bigint {
  if (field.wire !== 0) throw new WireError(`byte ${field.start} holds no integer`);
  return BigInt.asIntN(64, readVarint(bytes, field.data, field.end).value);
}

/** The value of a varint field as a number; beyond ±2^53 the nearest one. */
export function fieldInt(bytes: Uint8Array, field: WireField): number {
  return Number(fieldBigInt(bytes, field));
}

/** The integers of a repeated field's one occurrence: a single varint or a packed run. */
export function fieldBigInts(bytes: Uint8Array, field: WireField): bigint[] {
  if (field.wire === 0) return [fieldBigInt(bytes, field)];
  const values: bigint[] = [];
  for (let at = field.data; at < field.end;) {
    const { value, next } = readVarint(bytes, at, field.end);
    values.push(BigInt.asIntN(64, value));
    at = next;
  }
  return values;
}

/**
 * Looks once at a repeated field of integers, so that it can be read later.
 * @throws WireError when a number in it has no end
 */
export function checkBigInts(bytes: Uint8Array, field: WireField): void {
  if (field.wire === 0) return;
  let length = 0;
  for (let at = field.data; at < field.end; at++) {
    length = bytes[at] < 0x80 ? 0 : length + 1;
    if (length > 9) break;
  }
  if (length > 0) throw new WireError(`a number before byte ${field.end} has no end`);
}

/** The payload of a length-delimited field, as a view. */
export function fieldBytes(bytes: Uint8Array, field: WireField): Uint8Array {
  if (field.wire !== 2) throw new WireError(`byte ${field.start} holds no text or message`);
  return bytes.subarray(field.data, field.end);
}

const utf8 = new TextDecoder();

/** The payload of a length-delimited field as text. */
export function fieldText(bytes: Uint8Array, field: WireField): string {
  return utf8.decode(fieldBytes(bytes, field));
}

/** The fields of an embedded message. */
export function fieldMessage(bytes: Uint8Array, field: WireField): WireField[] {
  if (field.wire !== 2) throw new WireError(`byte ${field.start} holds no message`);
  return readFields(bytes, field.data, field.end);
}

/** A varint; negative integers take ten bytes, as protobuf's int64 does. */
export function encodeVarint(value: number | bigint): Uint8Array {
  if (typeof value === "number" && value >= 0 && value < 128) return Uint8Array.of(value);
  if (typeof value === "number" && value >= 0 && value < 16384) {
    return Uint8Array.of((value & 127) | 128, value >> 7);
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    const group = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest > 0n ? group | 0x80 : group);
  } while (rest > 0n);
  return Uint8Array.from(out);
}

/** Bytes of a varint of a number from 0 on. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

function putVarint(out: Uint8Array, at: number, value: number): number {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128;
  out[at++] = rest;
  return at;
}

/** A length-delimited field: its number and its payload. */
export type SizedField = readonly [number: number, payload: Uint8Array];

/** Bytes that fields take with their tags and sizes. */
export function sizedSize(fields: readonly SizedField[]): number {
  return fields.reduce((sum, [number, { length }]) => {
    return sum + varintSize(8 * number + 2) + varintSize(length) + length;
  }, 0);
}

/** Writes fields with their tags and sizes at `at`; the offset behind them. */
export function putSized(out: Uint8Array, at: number, fields: readonly SizedField[]): number {
  for (const [number, payload] of fields) {
    at = putVarint(out, putVarint(out, at, 8 * number + 2), payload.length);
    out.set(payload, at);
    at += payload.length;
  }
  return at;
}

/** The parts one after another in new memory. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A varint field. */
export function intField(number: number, value: number | bigint): Uint8Array {
  return joinBytes([encodeVarint(number * 8), encodeVarint(value)]);
}

/** Tag and size that stand before a payload of `size` bytes. */
export function sizedHeader(number: number, size: number): Uint8Array {
  return joinBytes([encodeVarint(number * 8 + 2), encodeVarint(size)]);
}

/** A length-delimited field of text, bytes or the parts of an embedded message. */
export function sizedField(
  number: number,
  payload: string | Uint8Array | readonly Uint8Array[],
): Uint8Array {
  const parts = typeof payload === "string"
    ? [new TextEncoder().encode(payload)]
    : payload instanceof Uint8Array
    ? [payload]
    : payload;
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return joinBytes([sizedHeader(number, size), ...parts]);
}
