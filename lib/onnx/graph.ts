/**
 * Opens ONNX models for the rest of the program: read, checked and brought to the normal form.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import type { OnnxModel } from "./model.ts";
import { normalForm } from "./normal_form.ts";
import { readModel } from "./read.ts";

/**
 * Reads a model and brings it to the normal form.
 * @param bytes the file; kept, not copied
 * @param name what error messages call it
 * @param path where it lies; external data is looked up beside it
 * @throws SdmError when the bytes are not a whole ONNX model
 */
export function parseModel(bytes: Uint8Array, name: string, path?: string): OnnxModel {
  return normalForm(readModel(bytes, name, path));
}

/** Reads a model file; external data is left alone. */
export async function loadModel(path: string): Promise<OnnxModel> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    const found = missing ? "there is no such file" : messageOf(error);
    throw new SdmError(`Cannot read ONNX model "${path}": ${found}, an ONNX file is needed`, {
      cause: error,
    });
  }
  return parseModel(bytes, path, path);
}
