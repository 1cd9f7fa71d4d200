/**
 * Parameters on a device, with gradients that a test chooses, under an optimiser.
 * @module
 */
import { createBuffer, type Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { createRows, destroyRows, readRows, type Rows, writeRows } from "../../lib/gpu/rows.ts";
import { createScalars, SCALARS, STEP } from "../../lib/kernels/common.ts";
import { createOptimizer } from "../../lib/optim/mod.ts";
import type { Optimizer, OptimizerKind, OptimizerOptions, Trained } from "../../lib/optim/types.ts";

/** A parameter of a test: sizes, first values, and what is special about it. */
export interface Start extends Partial<Omit<Trained, "name" | "value" | "grad">> {
  /** Rows. */
  rows: number;
  /** Columns. */
  cols: number;
  /** Row-major. */
  values: ArrayLike<number>;
}

/** Numbers by the name of a parameter. */
export type ByName = Readonly<Record<string, ArrayLike<number>>>;

/** What the host writes before a step. */
export interface StepNumbers {
  /** Number of the step, from 1. */
  t: number;
  /** Learning rate. */
  lr: number;
  /** Clip factor; 1 when absent. */
  clip?: number;
}

/** An optimiser with its parameters. */
export interface Rig {
  /** The optimiser. */
  readonly optimizer: Optimizer;
  /** Its parameters. */
  readonly parameters: readonly Trained[];
  /** One step along given gradients. */
  step(gradients: ByName, numbers: StepNumbers): void;
  /** All parameters. */
  read(): Promise<Record<string, Float32Array>>;
  /** All of the optimiser's state. */
  readState(): Promise<Record<string, Float32Array>>;
  /** Overwrites parameters and state. */
  restore(values: ByName, state: ByName): void;
  /** Frees the matrices. */
  close(): void;
}

/** Makes parameters and their optimiser. */
export function createRig(
  gpu: Gpu,
  kind: OptimizerKind,
  starts: Readonly<Record<string, Start>>,
  options: Partial<OptimizerOptions> = {},
): Rig {
  const parameters = Object.entries(starts).map(([name, start]): Trained => {
    const { rows, cols, values, ...traits } = start;
    const value = createRows(gpu, name, rows, cols);
    writeRows(gpu, value, Float32Array.from(values));
    return {
      name,
      value,
      grad: createRows(gpu, `grad ${name}`, rows, cols),
      unitRows: false,
      clipped: true,
      lrFactor: 1,
      nonNegative: false,
      decays: true,
      ...traits,
    };
  });
  const scalars = createScalars(gpu);
  const step = createBuffer(gpu, STEP.words * 4, "step");
  const { beta1 = 0.9, beta2 = 0.999 } = options;
  const optimizer = createOptimizer(gpu, kind, parameters, { step, scalars }, options);
  const commands = optimizer.update();
  const state = optimizer.state.map(({ name, rows }): [string, Rows] => [name, rows]);
  const values = parameters.map(({ name, value }): [string, Rows] => [name, value]);
  const readAll = async (all: readonly [string, Rows][]) => {
    const out: Record<string, Float32Array> = {};
    for (const [name, rows] of all) out[name] = await readRows(gpu, rows);
    return out;
  };
  const writeAll = (all: readonly [string, Rows][], given: ByName) => {
    for (const [name, rows] of all) writeRows(gpu, rows, Float32Array.from(given[name]));
  };
  return {
    optimizer,
    parameters,
    step(gradients, { t, lr, clip = 1 }) {
      writeAll(parameters.map(({ name, grad }) => [name, grad]), gradients);
      const words = new Float32Array(STEP.words);
      words[STEP.lr] = lr;
      words[STEP.correction1] = 1 / (1 - Math.fround(beta1) ** t);
      words[STEP.correction2] = 1 / (1 - Math.fround(beta2) ** t);
      gpu.device.queue.writeBuffer(step, 0, words);
      gpu.device.queue.writeBuffer(scalars, SCALARS.clip * 4, new Float32Array([clip]));
      submit(gpu, commands);
    },
    read: () => readAll(values),
    readState: () => readAll(state),
    restore(given, held) {
      writeAll(values, given);
      writeAll(state, held);
    },
    close() {
      for (const { grad } of parameters) destroyRows(gpu, grad);
      for (const [, rows] of [...values, ...state]) destroyRows(gpu, rows);
    },
  };
}
