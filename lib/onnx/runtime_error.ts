/**
 * What ONNX Runtime says when it cannot load or run a model, in sentences for people.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnnxModel } from "./model.ts";
import { firstLine } from "./providers.ts";
import { nodeLabel } from "./validate.ts";

/** Its messages that name an operator it lacks: by name with domain, by name, by kernel. */
const UNKNOWN_OPERATOR = [
  /Fatal error: ([\w.]*:?\w+)\(-?\d+\) is not a registered function\/op/,
  /No [Oo]p registered for (\w+) with domain_version/,
  /Could not find an implementation for (\w+)\(\d+\) node/,
  /no (?:kernel|implementation).*?for (?:op(?:erator)? )?["']?(\w+)/i,
];
const NO_MEMORY = /bad_alloc|Failed to allocate memory|out of memory|memory access out of bounds/i;

/** The error of loading or running a model; one that already is an SdmError is given back. */
export function runtimeError(verb: "load" | "run", model: OnnxModel, error: unknown): SdmError {
  if (error instanceof SdmError) return error;
  const doing = `Cannot ${verb} ONNX model "${model.name}"`;
  const said = firstLine(error), cause = error;
  for (const pattern of UNKNOWN_OPERATOR) {
    const full = pattern.exec(said)?.[1];
    if (!full) continue;
    const op = full.slice(full.lastIndexOf(":") + 1);
    const node = model.nodes.find((candidate) => candidate.op === op);
    const found = node ? `${nodeLabel(node)} is an operator` : `"${op}" is an operator`;
    const set = node?.domain ? ` of "${node.domain}"` : ` of version ${model.opsets[""]}`;
    return new SdmError(
      `${doing}: ${found}${set} that this ONNX Runtime does not have, one that it has is needed`,
      { cause, hint: "export the model again with another opset, or choose another --provider" },
    );
  }
  if (NO_MEMORY.test(said)) {
    const room = `ONNX Runtime has no room for it, more memory or a smaller batch is needed`;
    return new SdmError(`${doing}: ${room}`, { cause });
  }
  return new SdmError(
    `${doing}: ONNX Runtime says "${said}", a model that it can ${verb} is needed`,
    { cause },
  );
}
