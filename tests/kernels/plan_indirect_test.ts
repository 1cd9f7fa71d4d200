import assert from "assert";
import { centerRows } from "../../lib/kernels/center_rows.ts";
import { type Guarded, planIndirect } from "../../lib/kernels/plan_indirect.ts";
import { type Grid, planIndirect as reference } from "../../lib/reference/plan_indirect.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { whole } from "./device.ts";

// 70 dispatches are more than one workgroup plans.
const lists: { name: string; count: number; dispatches: { grid: Grid; above: number }[] }[] = [
  { name: "one, nothing to do", count: 0, dispatches: [{ grid: [1, 1, 1], above: 0 }] },
  { name: "one, exactly above", count: 1, dispatches: [{ grid: [7, 2, 3], above: 0 }] },
  {
    name: "some of many",
    count: 33,
    dispatches: Array.from({ length: 70 }, (_, i) => ({ grid: [i + 1, 2, 1], above: i })),
  },
  { name: "largest count", count: 0xffffffff, dispatches: [{ grid: [65535, 9, 1], above: 8 }] },
];

const cases: KernelCase[] = lists.map(({ name, count, dispatches }) => ({
  name,
  build(bench) {
    const indirect = bench.output("indirect", dispatches.length * 4);
    return {
      commands: [planIndirect.kernel.dispatch(bench.gpu, {
        dims: { dispatches: dispatches.length, place: 3 },
        buffers: {
          grid: bench.words("grid", dispatches.flatMap((d) => [...d.grid, d.above])),
          count: bench.words("count", [9, 9, 9, count]),
          indirect,
        },
        groups: [Math.ceil(dispatches.length / 64), 1, 1],
      })],
      verify() {
        const wanted = reference(dispatches, count).flatMap((grid) => [...grid, 0]);
        assert.deepEqual([...bench.wordsOf(indirect)], wanted);
      },
    };
  },
}));

Deno.test("planIndirect keeps the grids of dispatches with work", () => checkKernel(cases));

/** Five guarded dispatches that each fill a buffer, and a clear between them. */
function guardedCase(count: number): KernelCase {
  return {
    name: `count ${count}`,
    build(bench) {
      const x = bench.sheet("x", [Float64Array.of(5)]).buffer;
      const bias = bench.vector("bias", [2]);
      const above = [0, 1, 2, 3, 4];
      const outputs = above.map((i) => bench.output(`out ${i}`, 4));
      const guarded = above.map((bound, i): Guarded => ({
        dispatch: centerRows.record(bench.gpu, { rows: 1, d: 1, x, bias, centred: outputs[i] }),
        above: bound,
      }));
      const cleared = bench.output("cleared", 4);
      return {
        commands: planIndirect.record(bench.gpu, bench.words("count", [7, count]), 1, [
          guarded[0],
          guarded[1],
          { kind: "clear", buffer: cleared, size: 16 },
          ...guarded.slice(2),
        ]),
        verify() {
          const wanted = reference(above.map((a) => ({ grid: [1, 1, 1], above: a })), count);
          const ran = outputs.map((o) => bench.floatsOf(o)[0]);
          assert.deepEqual(ran, wanted.map(([groups]) => groups > 0 ? 3 : NaN));
          assert.deepEqual([...bench.wordsOf(cleared)], [0, 0, 0, 0]);
        },
      };
    },
  };
}

Deno.test("planIndirect.record() runs what has work, in order, and passes transfers on", () =>
  checkKernel([0, 1, 3, 5, 1000].map(guardedCase)));

Deno.test("planIndirect.record() refuses a dispatch that is indirect already", async () => {
  const gpu = await whole();
  const buffer = gpu.device.createBuffer({
    size: 256,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.INDIRECT,
  });
  const dispatch = centerRows.record(gpu, {
    rows: 1,
    d: 1,
    x: buffer,
    bias: buffer,
    centred: gpu.device.createBuffer({ size: 256, usage: GPUBufferUsage.STORAGE }),
  });
  const indirect = { ...dispatch, groups: { buffer, offset: 0 } };
  assert.throws(
    () => planIndirect.record(gpu, buffer, 0, [{ dispatch: indirect, above: 0 }]),
    /indirect already/,
  );
});
