/**
 * Opens ONNX models for the rest of the program: read, checked and brought to the normal form.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import { damaged, HEAD_BYTES, refuseOthers } from "./file_kind.ts";
import type { OnnxModel } from "./model.ts";
import { normalForm } from "./normal_form.ts";
import { WireError } from "./protobuf.ts";
import { readModel } from "./read.ts";
import { skimModel } from "./skim.ts";
import { checkModel } from "./validate.ts";

/**
 * Reads a model and brings it to the normal form.
 * @param bytes the file; kept, not copied
 * @param name what error messages call it
 * @param path where it lies; external data is looked up beside it
 * @throws SdmError when the bytes are not a whole ONNX model, or its graph cannot be computed
 */
export function parseModel(bytes: Uint8Array, name: string, path?: string): OnnxModel {
  const model = readModel(bytes, name, path);
  checkModel(model);
  return normalForm(model);
}

/**
 * Reads a model file; of large weights only where they are, whether in the file or in another one.
 * @throws SdmError when there is no such file, or it is no whole ONNX model
 */
export async function loadModel(path: string): Promise<OnnxModel> {
  try {
    using file = await Deno.open(path);
    const bytes = skim(file, path);
    return parseModel(bytes, path, path);
  } catch (error) {
    throw error instanceof SdmError ? error : unopened(path, error);
  }
}

function skim(file: Deno.FsFile, path: string): Uint8Array {
  const { isDirectory, size } = file.statSync();
  if (isDirectory) {
    throw new SdmError(`Cannot read ONNX model "${path}": it is a folder, an ONNX file is needed`);
  }
  const head = new Uint8Array(HEAD_BYTES);
  refuseOthers(head.subarray(0, file.readSync(head) ?? 0), path);
  try {
    return skimModel(file, path.replace(/^.*[\\/]/, ""));
  } catch (error) {
    throw error instanceof WireError ? damaged(path, size, error) : error;
  }
}

function unopened(path: string, error: unknown): SdmError {
  const missing = error instanceof Deno.errors.NotFound;
  const found = missing ? "there is no such file" : messageOf(error);
  return new SdmError(`Cannot read ONNX model "${path}": ${found}, an ONNX file is needed`, {
    cause: error,
  });
}
