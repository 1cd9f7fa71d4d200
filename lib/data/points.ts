/**
 * Points by what they are for: the inputs of a dictionary and what it reconstructs.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { Provenance } from "../models/record.ts";
import type { PointFacts } from "./types.ts";

/** Points of a dictionary: one input a layer, and as many targets, or none where it gives back its input. */
export interface PointRoles {
  /** What is read. */
  inputs: readonly PointFacts[];
  /** What is reconstructed, where it is something else. */
  targets: readonly PointFacts[];
}

/** The points by their roles, each in its order. */
export function rolesOf(points: readonly PointFacts[]): PointRoles {
  return {
    inputs: points.filter((point) => point.role !== "target"),
    targets: points.filter((point) => point.role === "target"),
  };
}

/** Hookpoints as provenance tells them. */
export function hookpointsOf(
  points: readonly PointFacts[],
): Pick<Provenance, "hookpoint" | "tensor" | "hookpointOut" | "hookpoints" | "hookpointsOut"> {
  const { inputs, targets } = rolesOf(points);
  const names = (list: readonly PointFacts[]) => list.map((point) => point.name);
  return {
    hookpoint: inputs[0].name,
    tensor: inputs[0].tensor,
    ...(targets.length > 0 ? { hookpointOut: targets[0].name } : {}),
    ...(inputs.length > 1 ? { hookpoints: names(inputs) } : {}),
    ...(targets.length > 1 ? { hookpointsOut: names(targets) } : {}),
  };
}

/** Widths that the points of a dictionary have in common. */
export interface CommonWidths {
  /** Width of every input. */
  dIn: number;
  /** Width of every target; of the input where there is none. */
  dOut: number;
  /** Number of inputs. */
  layers: number;
}

/**
 * The widths of the points.
 * @throws {SdmError} when layers differ in width, or there is not one target for each input
 */
export function commonWidths(points: readonly PointFacts[]): CommonWidths {
  const { inputs, targets } = rolesOf(points);
  if (targets.length > 0 && targets.length !== inputs.length) {
    throw new SdmError(
      `Cannot pair hookpoints: there are ${inputs.length} inputs and ${targets.length} outputs, ` +
        "one output for each input is needed",
    );
  }
  for (const list of [inputs, targets]) {
    const other = list.find((point) => point.d !== list[0].d);
    if (!other) continue;
    throw new SdmError(
      `Cannot use hookpoints of several widths: "${list[0].name}" has ${list[0].d}, ` +
        `"${other.name}" ${other.d}, one width is needed`,
    );
  }
  return { dIn: inputs[0].d, dOut: (targets[0] ?? inputs[0]).d, layers: inputs.length };
}
