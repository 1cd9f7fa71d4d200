import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import { createRows, type Rows } from "../../lib/gpu/rows.ts";
import { matmul, type MatmulForm } from "../../lib/kernels/matmul.ts";
import { matmul as reference, transpose } from "../../lib/reference/matmul.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { assertCloseRows, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { asHardware, whole, withoutSubgroups } from "./device.ts";
import { matrix, sizes } from "./samples.ts";

interface Spec {
  rows: number;
  cols: number;
  inner: number;
  alpha?: number;
  beta?: number;
  /** Factor found on the device. */
  scale?: number;
}

const WORD = 3;

/** The same adapter with bindings of 64 rows of 136 floats. */
async function narrow(): Promise<Gpu> {
  const gpu = await whole();
  return { ...gpu, facts: { ...gpu.facts, maxBindingBytes: 64 * 136 * 4 } };
}

const SPECS: Spec[] = [
  { rows: 1, cols: 1, inner: 1 },
  { rows: 37, cols: 5, inner: 131, alpha: -0.5 },
  { rows: 131, cols: 37, inner: 20, beta: 1, scale: 3 },
  { rows: 7, cols: 135, inner: 5, alpha: 2, beta: -0.25 },
  { rows: 65, cols: 33, inner: 65, scale: -0.7, alpha: 1.5 },
  { rows: 64, cols: 64, inner: 64 },
  { rows: 1, cols: 70, inner: 9 },
  { rows: 66, cols: 1, inner: 2, beta: 1 },
];

/** Sizes that {@link narrow} splits along every axis that can be, at other rows in each matrix. */
function tall(form: MatmulForm): Spec {
  const [rows, inner] = form.transA ? [130, 300] : [300, 130];
  return { rows, cols: 66, inner, alpha: 0.5, beta: 3, scale: 0.3 };
}

function cases({ transA, transB }: MatmulForm): KernelCase[] {
  return [...SPECS, tall({ transA })].map((spec, i) => ({
    name: `${spec.rows} x ${spec.cols}, inner ${spec.inner}`,
    build(bench) {
      const { rows, cols, inner, alpha = 1, beta = 0 } = spec;
      const scale = Math.fround(spec.scale ?? 1);
      const a = matrix(rows, inner, { seed: i, wide: i === 3 });
      const b = matrix(inner, cols, { seed: 10 + i });
      const c = matrix(rows, cols, { seed: 20 + i, scale: 2 });
      const scalars = new Float32Array(8).fill(NaN);
      scalars[WORD] = scale;
      // Without beta what C held must not matter: it is NaN.
      const out = beta ? bench.stateRows("c", c) : bench.outputRows("c", rows, cols);
      return {
        commands: matmul.record(bench.gpu, {
          a: bench.rows("a", transA ? transpose(a) : a),
          b: bench.rows("b", transB ? transpose(b) : b),
          c: out,
          transA,
          transB,
          alpha,
          beta,
          ...(spec.scale ? { scalars: bench.floats("scalars", scalars), scaleWord: WORD } : {}),
        }),
        verify() {
          const wanted = reference(a, b, alpha * scale, beta, c);
          const most = reference(sizes(a), sizes(b), Math.abs(alpha * scale));
          const bounds: Matrix = most.map((row, r) =>
            row.map((v, j) => sumError(inner + 2) * (v + Math.abs(beta * c[r][j])))
          );
          assertCloseRows(bench.matrixOf(out), wanted, bounds, "c");
        },
      };
    },
  }));
}

/** Asymmetric integers: a transposed or shifted operand gives another integer. */
function integers({ transA, transB }: MatmulForm): KernelCase {
  return {
    name: "integers",
    build(bench) {
      const grid = (rows: number, cols: number, f: (r: number, c: number) => number): Matrix =>
        Array.from(
          { length: rows },
          (_, r) => Float64Array.from({ length: cols }, (_, c) => f(r, c)),
        );
      const a = grid(5, 70, (r, k) => r * 7 + (k % 11));
      const b = grid(70, 9, (k, c) => c - 3 * (k % 13));
      const out = bench.outputRows("c", 5, 9);
      return {
        commands: matmul.record(bench.gpu, {
          a: bench.rows("a", transA ? transpose(a) : a),
          b: bench.rows("b", transB ? transpose(b) : b),
          c: out,
          transA,
          transB,
        }),
        verify: () => assert.deepEqual(bench.matrixOf(out), reference(a, b)),
      };
    },
  };
}

const FORMS: { name: string; form: MatmulForm }[] = [
  { name: "A B", form: {} },
  { name: "A Bᵀ", form: { transB: true } },
  { name: "Aᵀ B", form: { transA: true } },
];

function variantOn({ facts }: Gpu): string {
  return matmul.plan(SPECS[1], {}, facts).variant;
}

for (const { name, form } of FORMS) {
  Deno.test(`matmul makes ${name} on any split, by the variant that the device gets`, async () => {
    const { facts } = await whole();
    const software = facts.subgroupSize > 0 ? "texels" : "registers";
    assert.equal(variantOn(await narrow()), facts.software ? software : "staged");
    await checkKernel([...cases(form), integers(form)], [whole, narrow]);
  });

  Deno.test(`matmul makes ${name} from buffers, with the bits that it has from textures`, async () => {
    const { facts } = await whole();
    if (!facts.software || facts.subgroupSize === 0) return;
    const noTextures = async () => ({ ...await whole(), facts: { ...facts, maxTexels: 0 } });
    await checkKernel([...cases(form), integers(form)], [whole, noTextures]);
  });

  Deno.test(`matmul makes ${name} in registers`, async () => {
    const { facts } = await withoutSubgroups();
    const open = async () => ({ ...await withoutSubgroups(), facts: { ...facts, software: true } });
    assert.equal(variantOn(await open()), "registers");
    await checkKernel([...cases(form), integers(form)], [open]);
  });

  Deno.test(`matmul makes ${name} through workgroup memory`, async () => {
    assert.equal(variantOn(await asHardware()), "staged");
    await checkKernel([...cases(form), integers(form)], [asHardware]);
  });
}

Deno.test("matmul copies each buffer once, one that is both operands once for both", async () => {
  const gpu = await whole();
  if (variantOn(gpu) !== "texels") return;
  const make = (rows: number, cols: number) => createRows(gpu, "m", rows, cols);
  const copies = (a: Rows, b: Rows) =>
    matmul.record(gpu, { a, b, c: make(70, 70), transB: true })
      .filter((command) => "kind" in command && command.kind === "texels").length;
  const a = make(70, 2100);
  assert.equal(copies(a, make(70, 2100)), 2, "three stretches of terms read the same copies");
  assert.equal(copies(a, a), 1);
});

Deno.test("matmul refuses sizes that do not fit", async () => {
  const gpu = await whole();
  const make = (rows: number, cols: number) => createRows(gpu, "m", rows, cols);
  const [a, b, c] = [make(2, 3), make(4, 5), make(2, 5)];
  assert.throws(() => matmul.record(gpu, { a, b, c }), /\[2, 3\] by \[4, 5\] into \[2, 5\]/);
});

Deno.test("matmul dispatches once for each combination of buffers, sums in order", async () => {
  const gpu = await narrow();
  const dispatches = (form: MatmulForm) => {
    const { rows, cols, inner } = tall(form);
    const make = (r: number, c: number) => createRows(gpu, "m", r, c);
    return matmul.record(gpu, {
      ...form,
      a: form.transA ? make(inner, rows) : make(rows, inner),
      b: form.transB ? make(cols, inner) : make(inner, cols),
      c: make(rows, cols),
    }).filter((command) => !("kind" in command)).length;
  };
  // Stretches of rows x columns x inner.
  assert.equal(dispatches({}), 5 * 1 * 2);
  assert.equal(dispatches({ transB: true }), 5 * 2 * 1);
  assert.equal(dispatches({ transA: true }), 2 * 1 * 5);
});
