/**
 * Lets the GPU decide which of a list of dispatches have work.
 * @module
 */
import source from "../../shaders/plan_indirect.wgsl" with { type: "text" };
import { createBuffer, DATA_USAGE, type Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import { PARTS, THREADS } from "./common.ts";

/** A dispatch that runs only when the count is larger than `above`. */
export interface Guarded {
  /** The dispatch. */
  dispatch: Dispatch;
  /** Bound of the count. */
  above: number;
}

/** Conditional dispatches. */
export const planIndirect = {
  kernel: defineKernel({
    name: "plan_indirect",
    source,
    parts: PARTS,
    buffers: ["grid", "count", "indirect"],
    dims: ["dispatches", "place"],
  }),

  /** Two vec4s a dispatch. */
  cost({ dispatches }: { dispatches: number }): Cost {
    return { flops: 0, bytes: 32 * dispatches };
  },

  /**
   * The planning dispatch, then all guarded ones with indirect groups; plain transfers pass through.
   * @param count u32s; word `place` is compared
   */
  record(
    gpu: Gpu,
    count: GPUBuffer,
    place: number,
    commands: readonly (Guarded | Exclude<Command, Dispatch>)[],
  ): Command[] {
    const guarded = commands.filter((c): c is Guarded => "dispatch" in c);
    const grids = guarded.flatMap(({ dispatch, above }) => {
      if ("buffer" in dispatch.groups) throw new Error(`"${dispatch.label}" is indirect already`);
      return [...dispatch.groups, above];
    });
    const grid = createBuffer(gpu, guarded.length * 16, "grids");
    gpu.device.queue.writeBuffer(grid, 0, new Uint32Array(grids));
    const indirect = createBuffer(
      gpu,
      guarded.length * 16,
      "indirect",
      DATA_USAGE | GPUBufferUsage.INDIRECT,
    );
    const planning = planIndirect.kernel.dispatch(gpu, {
      dims: { dispatches: guarded.length, place },
      buffers: { grid, count, indirect },
      groups: gridFor(guarded.length, THREADS, gpu.facts.maxGroups),
    });
    let index = 0;
    const rest = commands.map((command): Command =>
      "dispatch" in command
        ? { ...command.dispatch, groups: { buffer: indirect, offset: 16 * index++ } }
        : command
    );
    return [planning, ...rest];
  },
};
