/**
 * Element types of the safetensors format, and their arrays in memory.
 * @module
 */

/** Arrays that hold the elements of a tensor; BF16 is held as its bits, types of under 8 bits as bytes. */
export type TensorArray =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float16Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/**
 * Bits of an element by name, in the order in which the reference writer puts tensors into a file
 * (its enumeration from the end: wide elements first, so that every tensor is aligned).
 */
export const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ["U64", 64],
  ["I64", 64],
  ["F64", 64],
  ["C64", 64],
  ["F32", 32],
  ["U32", 32],
  ["I32", 32],
  ["BF16", 16],
  ["F16", 16],
  ["U16", 16],
  ["I16", 16],
  ["F8_E5M2FNUZ", 8],
  ["F8_E4M3FNUZ", 8],
  ["F8_E8M0", 8],
  ["F8_E4M3", 8],
  ["F8_E5M2", 8],
  ["I8", 8],
  ["U8", 8],
  ["F6_E3M2", 6],
  ["F6_E2M3", 6],
  ["F4", 4],
  ["BOOL", 8],
]);

/** The types that this program writes; older readers know these and no others. */
export type WritableDtype =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "U64"
  | "I32"
  | "U32"
  | "I16"
  | "U16"
  | "I8"
  | "U8"
  | "BOOL";

/** Lays a typed view over bytes that start at a multiple of the element's size. */
export function viewAs(dtype: string, bytes: Uint8Array<ArrayBuffer>): TensorArray {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case "F64":
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case "F32":
    case "C64": // pairs of float32
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case "F16":
      return new Float16Array(buffer, byteOffset, byteLength / 2);
    case "I64":
      return new BigInt64Array(buffer, byteOffset, byteLength / 8);
    case "U64":
      return new BigUint64Array(buffer, byteOffset, byteLength / 8);
    case "I32":
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case "U32":
      return new Uint32Array(buffer, byteOffset, byteLength / 4);
    case "I16":
      return new Int16Array(buffer, byteOffset, byteLength / 2);
    case "U16":
    case "BF16":
      return new Uint16Array(buffer, byteOffset, byteLength / 2);
    case "I8":
      return new Int8Array(buffer, byteOffset, byteLength);
    default:
      return bytes;
  }
}

/** The type that an array has when nothing else is said; bytes are U8 and 16-bit words U16. */
export function dtypeOf(data: TensorArray): WritableDtype {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Float64Array) return "F64";
  if (data instanceof Float16Array) return "F16";
  if (data instanceof BigInt64Array) return "I64";
  if (data instanceof BigUint64Array) return "U64";
  if (data instanceof Int32Array) return "I32";
  if (data instanceof Uint32Array) return "U32";
  if (data instanceof Int16Array) return "I16";
  if (data instanceof Uint16Array) return "U16";
  if (data instanceof Int8Array) return "I8";
  return "U8";
}
