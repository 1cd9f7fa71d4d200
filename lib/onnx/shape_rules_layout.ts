/**
 * Shapes behind operators that move, cut and gather values.
 * @module
 */
import { ELEM } from "./model.ts";
import { axisOf, broadcast, combine, divide } from "./shape_arithmetic.ts";
import type { Dim, Rule, RuleNode, TensorFacts } from "./shape_types.ts";
import { attributeOf } from "./tensors.ts";

/** Axes given as the second input, or as an attribute in older operator sets. */
function axesOf(at: RuleNode): number[] | undefined {
  const given = at.input(1).ints;
  if (given) return given.every((d) => typeof d === "number") ? given as number[] : undefined;
  const own = attributeOf(at.node, "axes")?.ints;
  return own ?? (at.node.inputs[1] ? undefined : []);
}

/** Rule of its operator. */
export const gather: Rule = (at) => {
  const data = at.input(0), index = at.input(1);
  const made: TensorFacts = { elemType: data.elemType };
  if (at.node.op === "GatherBlockQuantized") {
    made.elemType = at.input(2).elemType;
    // Below four bits a number, several lie in a byte.
    const packed = data.elemType === ELEM.UINT8 ? 8 / (at.int("bits") ?? 4) : 1;
    const width = data.dims?.at(-1);
    if (index.dims && typeof width === "number") made.dims = [...index.dims, width * packed];
    return [made];
  }
  if (data.dims && index.dims) {
    const axis = axisOf(at.int("axis"), data.dims.length, 0);
    made.dims = [...data.dims.slice(0, axis), ...index.dims, ...data.dims.slice(axis + 1)];
  }
  if (data.ints && index.ints) {
    made.ints = index.ints.map((i) => typeof i === "number" ? data.ints!.at(i) ?? "?" : "?");
  }
  return [made];
};

/** Rule of its operator. */
export const reshape: Rule = (at) => {
  const data = at.input(0), wanted = at.input(1);
  const made: TensorFacts = { elemType: data.elemType, ints: data.ints };
  if (!wanted.ints) {
    const rank = wanted.dims?.[0];
    if (typeof rank === "number" && rank <= 64) made.dims = Array.from({ length: rank }, () => "?");
    return [made];
  }
  const dims = wanted.ints.map((d, i) => d === 0 ? data.dims?.[i] ?? "?" : d);
  const hole = dims.indexOf(-1);
  if (hole >= 0) {
    dims[hole] = data.dims ? divide(data.dims, dims.filter((_, i) => i !== hole)) : "?";
  }
  made.dims = dims;
  return [made];
};

/** Rule of its operator. */
export const transpose: Rule = (at) => {
  const { dims, elemType } = at.input(0);
  const perm = attributeOf(at.node, "perm")?.ints;
  if (!dims) return [{ elemType }];
  return [{ elemType, dims: perm ? perm.map((axis) => dims[axis]) : dims.toReversed() }];
};

/** Rule of its operator. */
export const unsqueeze: Rule = (at) => {
  const { dims, elemType, ints } = at.input(0);
  const axes = axesOf(at);
  if (!dims || !axes) return [{ elemType, ints }];
  const rank = dims.length + axes.length;
  const places = new Set(axes.map((axis) => axisOf(axis, rank, 0)));
  const rest = [...dims];
  const out = Array.from({ length: rank }, (_, i) => places.has(i) ? 1 : rest.shift()!);
  return [{ elemType, dims: out, ints }];
};

/** Rule of its operator. */
export const squeeze: Rule = (at) => {
  const { dims, elemType, ints } = at.input(0);
  const axes = axesOf(at);
  if (!dims || !axes) return [{ elemType, ints }];
  const places = axes.map((axis) => axisOf(axis, dims.length, 0));
  const gone = (d: Dim, i: number) => axes.length === 0 ? d === 1 : places.includes(i);
  return [{ elemType, dims: dims.filter((d, i) => !gone(d, i)), ints }];
};

/** Rule of its operator. */
export const concat: Rule = (at) => {
  const parts = at.node.inputs.map((_, i) => at.input(i));
  const made: TensorFacts = { elemType: parts.find((p) => p.elemType)?.elemType };
  if (parts.every((p) => p.dims?.length === 1)) {
    const ints = parts.flatMap((p) => p.ints ?? Array.from(p.dims!, (d) => d === 1 ? "?" : NaN));
    if (!ints.some((d) => Number.isNaN(d))) Object.assign(made, { ints, dims: [ints.length] });
    if (made.dims) return [made];
  }
  const first = parts.find((p) => p.dims)?.dims;
  if (!first) return [made];
  const axis = axisOf(at.int("axis"), first.length, 0);
  const sizes = parts.map((p) => p.dims?.[axis] ?? "?");
  made.dims = first.map((d, i) => i === axis ? sizes.reduce((a, b) => combine("Add", a, b)) : d);
  return [made];
};

/** Rule of its operator. */
export const split: Rule = (at) => {
  const { dims, elemType } = at.input(0);
  if (!dims) return at.node.outputs.map(() => ({ elemType }));
  const axis = axisOf(at.int("axis"), dims.length, 0), whole = dims[axis];
  const sizes = at.input(1).ints ?? attributeOf(at.node, "split")?.ints;
  const count = at.node.outputs.length;
  const even = typeof whole === "number" && whole % count === 0 ? whole / count : "?";
  return at.node.outputs.map((_, i) => ({
    elemType,
    dims: dims.map((d, k) => k === axis ? sizes?.[i] ?? even : d),
  }));
};

/** Rule of its operator. */
export const slice: Rule = (at) => {
  const { dims, elemType, ints } = at.input(0);
  if (!dims) return [{ elemType }];
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((i) => at.input(i).ints);
  const places = axes ?? starts?.map((_, i) => i);
  if (!starts || !ends || !places || steps?.some((s) => s !== 1)) {
    const unknown = places ? dims.map((d, i) => places.includes(i) ? "?" : d) : undefined;
    return [{ elemType, dims: unknown ?? dims.map(() => "?") }];
  }
  const out = [...dims];
  let kept = ints;
  places.forEach((place, i) => {
    if (typeof place !== "number") return;
    const axis = axisOf(place, dims.length, 0), size = dims[axis];
    const start = starts[i], end = ends[i];
    const huge = typeof end === "number" && end >= 2 ** 31 - 1;
    if (start === 0 && huge) return;
    out[axis] = "?";
    // What is cut to the length of the text is at least that long.
    if (start === 0 && typeof end === "string") out[axis] = end;
    if (typeof start !== "number" || typeof end !== "number" || typeof size !== "number") return;
    const from = Math.min(start < 0 ? start + size : start, size);
    const to = Math.min(end < 0 ? end + size : end, size);
    out[axis] = Math.max(0, to - from);
    if (kept && dims.length === 1) kept = kept.slice(from, to);
  });
  return [{
    elemType,
    dims: out,
    ints: dims.length === 1 && typeof out[0] === "number" ? kept : undefined,
  }];
};

/** Rule of its operator. */
export const expand: Rule = (at) => {
  const data = at.input(0);
  return [{ elemType: data.elemType, dims: broadcast(data.dims, at.input(1).ints) }];
};

/** Rule of its operator. */
export const reduce: Rule = (at) => {
  const { dims, elemType } = at.input(0);
  const axes = axesOf(at);
  if (!dims || !axes) return [{ elemType }];
  const keep = at.int("keepdims") ?? 1;
  const places = axes.map((axis) => axisOf(axis, dims.length, 0));
  const hit = (i: number) => axes.length === 0 || places.includes(i);
  const out = dims.flatMap((d, i) => hit(i) ? (keep ? [1] : []) : [d]);
  return [{ elemType, dims: out }];
};

/** Rule of its operator. */
export const where: Rule = (at) => {
  const test = at.input(0), a = at.input(1), b = at.input(2);
  const made: TensorFacts = {
    elemType: a.elemType ?? b.elemType,
    dims: broadcast(broadcast(test.dims, a.dims), b.dims),
  };
  const count = made.dims?.length === 1 ? made.dims[0] : made.dims?.length === 0 ? 1 : undefined;
  const few = typeof count === "number" && count <= 4096;
  if (test.ints && a.ints && b.ints && few) {
    const pick = (ints: Dim[], i: number) => ints[ints.length === 1 ? 0 : i];
    made.ints = Array.from({ length: count }, (_, i) => {
      const chosen = pick(test.ints!, i);
      return chosen === 1 ? pick(a.ints!, i) : chosen === 0 ? pick(b.ints!, i) : "?";
    });
  }
  return [made];
};
