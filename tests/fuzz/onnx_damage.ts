/**
 * Damaged ONNX files, each made from a number: bytes, fields, sizes, names, pieces of other files.
 * @module
 */
import type { RandomStream } from "../../lib/base/random.ts";
import { tensorNames } from "../../lib/onnx/edit.ts";
import { parseModel } from "../../lib/onnx/graph.ts";
import { readFields, sizedHeader, WireError, type WireField } from "../../lib/onnx/protobuf.ts";

/** Bytes of a file. */
export type Bytes = Uint8Array<ArrayBuffer>;

const FIXTURES = new URL("../onnx/fixtures/", import.meta.url);

/** Draws numbers one after the other; a case is the stream of its own number. */
export class Draw {
  #next = 0;
  constructor(readonly stream: RandomStream, readonly step: number) {}
  below(bound: number): number {
    return this.stream.below(bound, this.step, this.#next++);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** A file that is whole. */
export interface Fixture {
  file: string;
  bytes: Bytes;
  names: string[];
}

/** All files that are damaged here. */
export function readFixtures(): Fixture[] {
  const files = [...Deno.readDirSync(FIXTURES)].map((entry) => entry.name).sort();
  return files.filter((file) => file.endsWith(".onnx")).map((file) => {
    const bytes = Deno.readFileSync(new URL(file, FIXTURES));
    return { file, bytes, names: tensorNames(parseModel(bytes, file)) };
  });
}

function concat(...parts: Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The fields of a message, or undefined when it is none. */
function fieldsOf(bytes: Uint8Array): WireField[] | undefined {
  try {
    return readFields(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Numbers that are hard on those who believe them. */
const HARD = [
  Uint8Array.of(0),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
  Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
  new Uint8Array(11).fill(0x80),
];

/** One kind of damage to one field; `whole` is the field with its tag, `payload` what a sized one holds. */
function damageField(
  whole: Uint8Array,
  field: WireField,
  payload: Uint8Array,
  base: Fixture,
  other: Fixture,
  draw: Draw,
): Uint8Array {
  const sized = field.wire === 2;
  const again = (bytes: Uint8Array) => concat(sizedHeader(field.number, bytes.length), bytes);
  switch (draw.below(10)) {
    case 0: // gone
      return new Uint8Array();
    case 1: // twice
      return concat(whole, whole);
    case 2: // under another number
      return sized ? concat(sizedHeader(1 + draw.below(20), payload.length), payload) : whole;
    case 3: // its size is a lie
      return concat(sizedHeader(field.number, payload.length + draw.below(9) - 4), payload);
    case 4: // a part of it
      return sized ? again(payload.subarray(0, draw.below(payload.length + 1))) : whole;
    case 5: // a hard number, as it is or as a size
      return concat(
        sized ? whole.subarray(0, 1) : Uint8Array.of(field.number * 8),
        draw.pick(HARD),
      );
    case 6: // another name
      return again(new TextEncoder().encode(draw.pick(draw.chance(80) ? base.names : other.names)));
    case 7: { // a byte
      const copy = whole.slice();
      copy[draw.below(copy.length)] = draw.below(256);
      return copy;
    }
    case 8: // something of another file
      return someField(other.bytes, draw) ?? whole;
    default: // itself, inside itself
      return again(concat(whole, payload));
  }
}

/** A field from anywhere in a file. */
function someField(bytes: Uint8Array, draw: Draw): Uint8Array | undefined {
  let message = bytes;
  for (let depth = 0; depth < 6; depth++) {
    const fields = fieldsOf(message);
    if (!fields?.length) return undefined;
    const field = draw.pick(fields);
    const inner = message.subarray(field.data, field.end);
    if (field.wire === 2 && draw.chance(70) && fieldsOf(inner)?.length) message = inner;
    else return message.subarray(field.start, field.end);
  }
  return undefined;
}

/** Damages one field somewhere inside, with the sizes of what is around it put right. */
function damageInside(bytes: Uint8Array, base: Fixture, other: Fixture, draw: Draw): Bytes {
  const fields = fieldsOf(bytes);
  if (!fields?.length) return bytes.slice();
  // The graph is nearly all of a file; so it is looked for by size.
  const field = fields.length < 12 && draw.chance(80)
    ? fields.reduce((a, b) => b.end - b.start > a.end - a.start ? b : a)
    : draw.pick(fields);
  const payload = bytes.subarray(field.data, field.end);
  const deeper = field.wire === 2 && draw.chance(80) && (fieldsOf(payload)?.length ?? 0) > 0;
  const whole = bytes.subarray(field.start, field.end);
  const changed = deeper ? damageInside(payload, base, other, draw) : undefined;
  return concat(
    bytes.subarray(0, field.start),
    changed
      ? concat(sizedHeader(field.number, changed.length), changed)
      : damageField(whole, field, payload, base, other, draw),
    bytes.subarray(field.end),
  );
}

/** A damaged file. */
export function damaged(fixtures: readonly Fixture[], draw: Draw): Bytes {
  const base = draw.pick(fixtures), other = draw.pick(fixtures);
  const { bytes } = base;
  switch (draw.below(8)) {
    case 0: { // bytes anywhere
      const copy = bytes.slice();
      for (let n = draw.below(8); n >= 0; n--) copy[draw.below(copy.length)] = draw.below(256);
      return copy;
    }
    case 1: // a part, or a part taken out
      return draw.chance(50) ? bytes.slice(0, draw.below(bytes.length)) : concat(
        bytes.subarray(0, draw.below(bytes.length)),
        bytes.subarray(draw.below(bytes.length)),
      );
    case 2: // the beginning of one and the end of another
      return draw.chance(30) ? concat(bytes, other.bytes) : concat(
        bytes.subarray(0, draw.below(bytes.length)),
        other.bytes.subarray(draw.below(other.bytes.length)),
      );
    default: { // fields
      let copy: Bytes = bytes;
      for (let n = draw.pick([0, 0, 0, 1, 2, 4]); n >= 0; n--) {
        copy = damageInside(copy, base, other, draw);
      }
      return copy;
    }
  }
}
