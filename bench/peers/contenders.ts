/**
 * The two sides of a case: this program in this process, and a peer in a process of its own that sleeps while the other
 * works. Both get the same first weights and the same rows.
 * @module
 */
import { cpuUsage } from "node:process";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { type Command, submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { normaliseRows } from "../../lib/kernels/normalise_rows.ts";
import { familyOf } from "../../lib/models/mod.ts";
import type { TrainableModel } from "../../lib/models/types.ts";
import { stepWords } from "../stage.ts";
import type { TaskData } from "./data.ts";
import { TextLineStream } from "./lines.ts";
import { LEARNING_RATE, MOST_STEPS, optionsOf } from "./options.ts";
import type { PeerCase } from "./types.ts";

/** Seconds of some steps and their losses. */
export interface Turn {
  /** Seconds on the clock. */
  seconds: number;
  /** Seconds of processors, of all threads of the process together. */
  cpuSeconds: number;
  /** Losses, one a step. */
  losses: number[];
}

/** Someone who trains. */
export interface Trainer {
  /** Takes the next steps. */
  steps(count: number): Promise<Turn>;
  /** Ends it. */
  close(): Promise<void>;
}

/** This program. A turn begins with rows in memory and ends when the adapter is done, as the peer's does. */
export async function ours(given: PeerCase, data: TaskData): Promise<Trainer> {
  const gpu: Gpu = await openGpu();
  const model: TrainableModel = familyOf(given.type).build(gpu, optionsOf(given));
  for (const { name, value } of model.parameters) {
    const first = data.weights.get(name);
    if (!first) throw new Error(`${given.method}: there is no first value of ${name}`);
    writeRows(gpu, value, first.values);
  }
  const { rows, k } = given.shape;
  const program: Command[] = [
    ...model.step,
    ...model.parameters.filter((p) => given.normalised?.includes(p.name))
      .flatMap((p) => normaliseRows.record(gpu, p.value)),
  ];
  let t = 0;
  const oneStep = () => {
    const batch = data.points.map((batches) => batches[t % batches.length]);
    model.inputs.forEach((input, i) => writeRows(gpu, input, batch[i]));
    const words = new DataView(stepWords(k, rows).buffer);
    words.setFloat32(STEP.lr * 4, LEARNING_RATE, true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - Math.fround(0.9) ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - Math.fround(0.999) ** (t + 1)), true);
    words.setUint32(STEP.slot * 4, t % MOST_STEPS, true);
    words.setUint32(STEP.number * 4, t, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    model.beforeStep?.(t);
    submit(gpu, program);
    t++;
  };
  const { buffer, fields } = model.ring;
  const place = fields.findIndex(({ name }) => name === "loss/total");
  return {
    async steps(count) {
      const first = t;
      const started = performance.now(), busy = cpuUsage();
      for (let i = 0; i < count; i++) oneStep();
      await gpu.device.queue.onSubmittedWorkDone();
      const seconds = (performance.now() - started) / 1000;
      const { user, system } = cpuUsage(busy);
      gpu.check();
      const ring = await readFloats(gpu, buffer, MOST_STEPS * fields.length);
      const losses = Array.from(
        { length: count },
        (_, i) => ring[(first + i) * fields.length + place],
      );
      return { seconds, cpuSeconds: (user + system) / 1e6, losses };
    },
    close: () => Promise.resolve(gpu.close()),
  };
}

/** What a worker says first. */
export interface PeerFacts {
  /** Name and version. */
  peer: string;
  /** Version of PyTorch. */
  torch: string;
  /** Threads. */
  threads: number;
}

/**
 * A peer.
 * @param python the Python that has it
 * @param busy whether others use the machine: PyTorch's threads then sleep while they wait for each other (OpenMP's
 *   passive policy), as spinning ones lose whole time slices; on a quiet machine its default stays
 * @throws Error with what it wrote to its standard error when it ends
 */
export async function theirs(
  python: string,
  spec: string,
  busy: boolean,
): Promise<Trainer & { facts: PeerFacts }> {
  const worker = decodeURIComponent(new URL("./worker.py", import.meta.url).pathname);
  const child = new Deno.Command(python, {
    args: [worker, spec],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: {
      HF_HUB_OFFLINE: "1",
      WANDB_MODE: "disabled",
      PYTHONDONTWRITEBYTECODE: "1",
      ...busy && { OMP_WAIT_POLICY: "PASSIVE" },
    },
  }).spawn();
  const trouble = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    .getReader();
  const input = child.stdin.getWriter();
  const answer = async () => {
    const { value, done } = await lines.read();
    if (done) throw new Error((await trouble).trim().split("\n").slice(-1)[0]);
    return JSON.parse(value);
  };
  try {
    const facts = await answer() as PeerFacts;
    return {
      facts,
      async steps(count) {
        await input.write(new TextEncoder().encode(`${count}\n`));
        return await answer() as Turn;
      },
      async close() {
        await input.close();
        await lines.cancel();
        await child.status;
        await trouble;
      },
    };
  } catch (error) {
    await input.abort().catch(() => {});
    await child.status;
    throw error;
  }
}
