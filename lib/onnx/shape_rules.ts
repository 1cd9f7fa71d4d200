/**
 * What each operator does to element types, shapes and small tensors of integers.
 * @module
 */
import { ELEM } from "./model.ts";
import { axisOf, broadcast, combine, product } from "./shape_arithmetic.ts";
import {
  concat,
  expand,
  gather,
  reduce,
  reshape,
  slice,
  split,
  squeeze,
  transpose,
  unsqueeze,
  where,
} from "./shape_rules_layout.ts";
import {
  type Dim,
  type Rule,
  type RuleNode,
  type TensorFacts,
  weightFacts,
} from "./shape_types.ts";
import { attributeOf, tensorInts } from "./tensors.ts";

/** One operand at a time, all alike. */
const UNARY =
  "Identity Dropout Sqrt Neg Reciprocal Tanh Erf Sigmoid Relu Gelu Softmax LogSoftmax Softplus Abs Exp Log " +
  "Sin Cos Clip QuickGelu LeakyRelu HardSwish Elu Mish Silu Swish Floor Ceil Round Trilu CumSum LpNormalization " +
  "LayerNormalization RMSNormalization SimplifiedLayerNormalization FastGelu BiasGelu RotaryEmbedding Not ScatterND " +
  "SkipLayerNormalization SkipSimplifiedLayerNormalization";
const BINARY = "Add Sub Mul Div Pow Min Max Sum Mod BitwiseAnd";
const LOGIC = "Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor";

const unary: Rule = (at) => [at.input(0)];

const binary: Rule = (at) => {
  const all = at.node.inputs.map((_, i) => at.input(i));
  const [a, b] = all;
  const dims = all.map((f) => f.dims).reduce((x, y) => broadcast(x, y));
  const made: TensorFacts = { elemType: all.find((f) => f.elemType)?.elemType, dims };
  if (at.node.op === "Pow") made.elemType = a.elemType;
  if (a.ints && b?.ints) {
    const [long, other] = [a.ints, b.ints];
    const size = Math.max(long.length, other.length);
    const pick = (ints: Dim[], i: number) => ints[ints.length === 1 ? 0 : i] ?? "?";
    made.ints = Array.from(
      { length: size },
      (_, i) => combine(at.node.op, pick(long, i), pick(other, i)),
    );
  }
  return [made];
};

const cast: Rule = (at) => [{ ...at.input(0), elemType: at.int("to") }];

const constant: Rule = (at) => {
  const { node } = at;
  const tensor = attributeOf(node, "value")?.tensor;
  if (tensor) return [weightFacts(tensor)];
  const one = attributeOf(node, "value_int")?.int;
  if (one !== undefined) return [{ elemType: ELEM.INT64, dims: [], ints: [one] }];
  const many = attributeOf(node, "value_ints")?.ints;
  if (many) return [{ elemType: ELEM.INT64, dims: [many.length], ints: many }];
  if (attributeOf(node, "value_float")) return [{ elemType: ELEM.FLOAT, dims: [] }];
  return [{}];
};

const shape: Rule = (at) => {
  const { dims } = at.input(0);
  if (!dims) return [{ elemType: ELEM.INT64 }];
  const start = axisOf(at.int("start"), dims.length, 0);
  const end = axisOf(at.int("end"), dims.length, dims.length);
  const ints = dims.slice(start, end);
  return [{ elemType: ELEM.INT64, dims: [ints.length], ints }];
};

const matmul: Rule = (at) => {
  const a = at.input(0), b = at.input(1);
  const flip = at.node.op === "FusedMatMul" && at.int("transB");
  const elemType = at.node.op === "MatMulInteger" ? ELEM.INT32 : a.elemType ?? b.elemType;
  if (at.node.op === "MatMulIntegerToFloat" || at.node.op === "DynamicQuantizeMatMul") {
    return [{
      elemType: ELEM.FLOAT,
      dims: a.dims && b.dims && [...a.dims.slice(0, -1), b.dims[1]],
    }];
  }
  if (!a.dims || !b.dims || a.dims.length < 2 || b.dims.length < 2) return [{ elemType }];
  const width = b.dims[b.dims.length - (flip ? 2 : 1)];
  const rows = at.int("transA") ? "?" : a.dims[a.dims.length - 2];
  const batch = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2))!;
  return [{ elemType, dims: [...batch, rows, width] }];
};

const gemm: Rule = (at) => {
  const a = at.input(0), b = at.input(1);
  const rows = a.dims?.[at.int("transA") ? 1 : 0] ?? "?";
  const width = b.dims?.[at.int("transB") ? 0 : 1] ?? "?";
  return [{ elemType: a.elemType ?? b.elemType, dims: [rows, width] }];
};

const packedMatmul: Rule = (at) => {
  const { dims, elemType } = at.input(0);
  return [{ elemType, dims: dims && [...dims.slice(0, -1), at.int("N") ?? "?"] }];
};

const attention: Rule = (at) => {
  const q = at.input(0), heads = at.int("num_heads") ?? at.int("q_num_heads");
  const { elemType } = q;
  if (!q.dims) return [{ elemType }];
  const last = q.dims.at(-1)!;
  if (at.node.op === "Attention" && at.node.domain === "") {
    const v = at.input(2).dims?.at(-1);
    const own = q.dims.length === 4 ? v : heads === at.int("kv_num_heads") ? v : last;
    return [{ elemType, dims: [...q.dims.slice(0, -1), own ?? "?"] }];
  }
  if (at.node.op === "GroupQueryAttention" && !at.node.inputs[1]) {
    const kv = at.int("kv_num_heads");
    const own = typeof last === "number" && heads && kv ? last * heads / (heads + 2 * kv) : "?";
    return [{ elemType, dims: [...q.dims.slice(0, -1), own] }];
  }
  if (at.node.op === "Attention") {
    const width = at.input(1).dims?.at(-1);
    const own = typeof width === "number" ? width / 3 : "?";
    return [{ elemType, dims: [...q.dims.slice(0, -1), own] }];
  }
  return [{ elemType, dims: q.dims.length === 3 ? q.dims : undefined }];
};

const constantOfShape: Rule = (at) => {
  const fill = attributeOf(at.node, "value")?.tensor;
  const dims = at.input(0).ints;
  const made: TensorFacts = { elemType: fill?.elemType ?? ELEM.FLOAT, dims };
  const [value] = fill ? tensorInts(fill) ?? [] : [];
  const [size] = dims ?? [];
  const small = dims?.length === 1 && typeof size === "number" && size <= 16;
  if (small && value !== undefined) made.ints = Array.from({ length: size }, () => value);
  return [made];
};

const range: Rule = (at) => {
  const [start] = at.input(0).ints ?? [], [end] = at.input(1).ints ?? [];
  const [step] = at.input(2).ints ?? [];
  const size = start !== undefined && end !== undefined && step === 1
    ? combine("Sub", end, start)
    : "?";
  return [{ elemType: at.input(0).elemType, dims: [size] }];
};

const flatten: Rule = (at) => {
  const { dims, elemType } = at.input(0);
  if (!dims) return [{ elemType, dims: ["?", "?"] }];
  const axis = axisOf(at.int("axis"), dims.length, 1);
  return [{ elemType, dims: [product(dims.slice(0, axis)), product(dims.slice(axis))] }];
};

const test: Rule = (at) => [{ elemType: ELEM.BOOL, dims: at.input(0).dims }];

/** A size is never negative, so that a symbol differs from every negative number. */
const compare: Rule = (at) => {
  const [made] = binary(at);
  const a = at.input(0).ints, b = at.input(1).ints;
  delete made.ints;
  if (at.node.op === "Equal" && a && b && (a.length === b.length || b.length === 1)) {
    made.ints = a.map((x, i) => {
      const y = b[b.length === 1 ? 0 : i];
      if (typeof x === typeof y && x !== "?") return Number(x === y);
      return typeof y === "number" && y < 0 && x !== "?" ? 0 : "?";
    });
  }
  return [{ ...made, elemType: ELEM.BOOL }];
};

const rules = new Map<string, Rule>(
  Object.entries(
    {
      Cast: cast,
      CastLike: (at) => [{ ...at.input(0), elemType: at.input(1).elemType }],
      Constant: constant,
      ConstantOfShape: constantOfShape,
      Shape: shape,
      Size: () => [{ elemType: ELEM.INT64, dims: [] }],
      Range: range,
      MatMul: matmul,
      FusedMatMul: matmul,
      MatMulInteger: matmul,
      MatMulIntegerToFloat: matmul,
      DynamicQuantizeMatMul: matmul,
      Gemm: gemm,
      MatMulNBits: packedMatmul,
      MatMulBnb4: packedMatmul,
      Gather: gather,
      GatherBlockQuantized: gather,
      Reshape: reshape,
      Flatten: flatten,
      IsNaN: test,
      IsInf: test,
      Transpose: transpose,
      Unsqueeze: unsqueeze,
      Squeeze: squeeze,
      Concat: concat,
      Split: split,
      Slice: slice,
      Expand: expand,
      Where: where,
      ReduceMean: reduce,
      ReduceSum: reduce,
      ReduceMax: reduce,
      ReduceMin: reduce,
      ReduceL2: reduce,
      ReduceSumSquare: reduce,
      Attention: attention,
      MultiHeadAttention: attention,
      GroupQueryAttention: attention,
      QuantizeLinear: (
        at,
      ) => [{ elemType: at.input(2).elemType ?? ELEM.UINT8, dims: at.input(0).dims }],
      DequantizeLinear: (at) => [{ elemType: at.input(1).elemType, dims: at.input(0).dims }],
      DynamicQuantizeLinear: (at) => [
        { elemType: ELEM.UINT8, dims: at.input(0).dims },
        { elemType: ELEM.FLOAT, dims: [] },
        { elemType: ELEM.UINT8, dims: [] },
      ],
    } satisfies Record<string, Rule>,
  ),
);
for (const op of UNARY.split(" ")) rules.set(op, unary);
for (const op of BINARY.split(" ")) rules.set(op, binary);
for (const op of LOGIC.split(" ")) rules.set(op, compare);

/** Facts of a node's outputs; nothing for an operator without a rule. */
export function shapeRule(at: RuleNode): TensorFacts[] {
  return rules.get(at.node.op)?.(at) ?? [];
}
