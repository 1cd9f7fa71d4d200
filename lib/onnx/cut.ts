/**
 * Cutting a model in two: a part that is given chosen tensors from outside and computes others.
 *
 * A tensor is replaced where it is made, so that all who read it see the replacement, also through a cast or an identity.
 * What a part needs of the rest of the model is computed again where that is cheap, and given to it where it is not.
 * Source: interop spec, section D.4.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { withoutCaches } from "./caches.ts";
import { elemTypeOf } from "./infer.ts";
import { linkModel } from "./link.ts";
import { ELEM, type OnnxModel, type OnnxNode, type OnnxValue } from "./model.ts";
import { fieldText, joinBytes, readFields, sizedField } from "./protobuf.ts";
import { intAttribute, makeNode } from "./write.ts";

/** What a part takes and gives. */
export interface CutOptions {
  /** Tensors that are given from outside in place of what the model would compute. */
  replace: readonly string[];
  /** Tensors that come out, as float32. */
  wanted: readonly string[];
  /** Tensors that come out as another part takes them. */
  sides?: readonly string[];
  /** Tensors that earlier parts replaced: what depends on them is given, never computed again. */
  earlier?: readonly string[];
  /** Weights above this make it dear to compute something again; default 1 MiB. */
  cheapBytes?: number;
}

/** A part of a model. */
export interface CutModel {
  /** The part as a model of its own. */
  model: OnnxModel;
  /** Inputs of the whole model that it still takes. */
  inputs: string[];
  /** Name of the float32 input that carries each replaced tensor that is needed, by the tensor's name. */
  replaced: Map<string, string>;
  /** Name of the input that carries each tensor it needs from other parts, by the tensor's name. */
  given: Map<string, string>;
  /** Name of the output that carries each wanted tensor as float32, by the tensor's name. */
  outputs: Map<string, string>;
  /** Name of the output that carries each side, by the tensor's name. */
  sides: Map<string, string>;
}

const CHEAP_BYTES = 2 ** 20;
const FLOATS: readonly number[] = [ELEM.FLOAT, ELEM.FLOAT16, ELEM.BFLOAT16, ELEM.DOUBLE];

function isFloat(type: number | undefined): boolean {
  return type === undefined || FLOATS.includes(type);
}

/**
 * Where a tensor has to be replaced: the tensor behind identities, drop-outs and casts between float types.
 * @throws SdmError for a tensor that no node makes
 */
export function spliceRoot(model: OnnxModel, tensor: string): string {
  let name = tensor;
  for (;;) {
    const node = model.producers.get(name);
    if (!node) {
      if (name !== tensor) return tensor;
      const what = model.initializers.has(tensor)
        ? "it is a weight"
        : "no node of the graph makes it";
      throw new SdmError(
        `Cannot replace "${tensor}" in "${model.name}": ${what}, an activation is needed`,
      );
    }
    const passes = node.op === "Identity" || node.op === "Dropout" || node.op === "Cast";
    const [input] = node.inputs;
    if (!passes || node.outputs[0] !== name || !model.producers.has(input)) return name;
    if (!isFloat(elemTypeOf(model, input)) || !isFloat(elemTypeOf(model, name))) return name;
    name = input;
  }
}

/** All tensors that depend on `roots`, these included. */
export function dependents(model: OnnxModel, roots: Iterable<string>): Set<string> {
  const seen = new Set<string>(roots);
  const todo = [...seen];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    for (const node of model.consumers.get(name) ?? []) {
      for (const output of node.outputs) {
        if (output === "" || seen.has(output)) continue;
        seen.add(output);
        todo.push(output);
      }
    }
  }
  return seen;
}

/** Bytes of the weight that a tensor or a constant's node holds. */
function weightBytes(model: OnnxModel, name: string): number {
  const weight = model.initializers.get(name);
  if (weight) {
    return weight.dims.reduce((n, dim) => n * dim, 1) * (weight.elemType === ELEM.DOUBLE ? 8 : 4);
  }
  const node = model.producers.get(name);
  return node?.op === "Constant" ? node.bytes.length : 0;
}

/** Whether a tensor depends on an input of the model and on a large weight. */
function isDear(model: OnnxModel, tensor: string, cheapBytes: number): boolean {
  const inputs = new Set(model.inputs.map((input) => input.name));
  const seen = new Set([tensor]);
  const todo = [tensor];
  let fed = false, large = false;
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    fed ||= inputs.has(name);
    large ||= weightBytes(model, name) > cheapBytes;
    if (fed && large) return true;
    const node = model.producers.get(name);
    for (const input of node ? [...node.inputs, ...node.captures] : []) {
      if (input === "" || seen.has(input)) continue;
      seen.add(input);
      todo.push(input);
    }
  }
  return false;
}

/** What stays of a model. */
interface Kept {
  names: Set<string>;
  nodes: Set<OnnxNode>;
  given: string[];
}

/** Walks back from what comes out to what is given. */
function keep(model: OnnxModel, roots: ReadonlySet<string>, options: CutOptions): Kept {
  const { wanted, sides = [], earlier = [], cheapBytes = CHEAP_BYTES } = options;
  const later = dependents(model, roots), changed = dependents(model, earlier);
  const given = new Set<string>(), names = new Set<string>(), nodes = new Set<OnnxNode>();
  /** A tensor of the rest of the model. Of an unknown type it cannot be given; what it is made of may be. */
  const isGiven = (name: string) => {
    if (later.has(name) || (roots.size === 0 && earlier.length === 0)) return false;
    if (earlier.includes(name)) return true;
    if (elemTypeOf(model, name) === undefined) return false;
    return changed.has(name) || isDear(model, name, cheapBytes);
  };
  const todo = [...wanted, ...sides];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === "" || names.has(name)) continue;
    names.add(name);
    const node = model.producers.get(name);
    if (roots.has(name) || !node) continue;
    if (isGiven(name)) {
      given.add(name);
      continue;
    }
    nodes.add(node);
    todo.push(...node.inputs, ...node.captures);
  }
  return { names, nodes, given: [...given] };
}

/** A node whose outputs in `names` are called otherwise, since the part is given tensors of these names. */
function withoutOutputs(node: OnnxNode, names: ReadonlySet<string>): OnnxNode {
  if (!node.outputs.some((output) => names.has(output))) return node;
  const rename = (name: string) => names.has(name) ? `${name}/sdm_unused` : name;
  const bytes = joinBytes(
    readFields(node.bytes).map((field) => {
      const text = field.number === 2 ? fieldText(node.bytes, field) : undefined;
      return text === undefined || !names.has(text)
        ? node.bytes.subarray(field.start, field.end)
        : sizedField(2, rename(text));
    }),
  );
  return { ...node, outputs: node.outputs.map(rename), bytes };
}

/**
 * The part of a model that computes `wanted` with the tensors `replace` given from outside.
 *
 * The tensors of `replace` have to be roots, see {@link spliceRoot}.
 * @throws SdmError for a tensor that the graph does not have
 */
export function cutModel(model: OnnxModel, options: CutOptions): CutModel {
  const roots = new Set(options.replace);
  const kept = keep(model, roots, options);
  for (const name of kept.names) {
    if (model.producers.has(name) || model.initializers.has(name)) continue;
    if (model.inputs.some((input) => input.name === name)) continue;
    if (model.rest.some((other) => other.tensor === name)) continue;
    throw new SdmError(
      `Cannot cut "${model.name}" at "${name}": the graph has no tensor of that name`,
    );
  }
  const inputs = model.inputs.filter((input) => kept.names.has(input.name));
  const needed = options.replace.filter((name) => kept.names.has(name));
  const border = borderOf(model, needed, kept, [...options.earlier ?? []]);
  const exit = exitsOf(model, options);
  const taken = new Set([...border.replaced.keys(), ...border.given.keys()]);
  const nodes = [
    ...border.casts,
    // Copies, since both models number their nodes.
    ...model.nodes.filter((node) => kept.nodes.has(node)).map((node) => ({
      ...withoutCaches(withoutOutputs(node, taken), kept.names),
    })),
    ...exit.casts,
  ];
  const byName = <T>(map: ReadonlyMap<string, T>, stays: (name: string) => boolean) =>
    new Map([...map].filter(([name]) => stays(name)));
  const part: OnnxModel = {
    ...model,
    nodes,
    initializers: byName(model.initializers, (name) => kept.names.has(name)),
    inputs: [...inputs, ...border.inputs],
    outputs: [...exit.outputs.values()],
    values: byName(model.values, (name) => kept.names.has(name) && !taken.has(name)),
    rest: model.rest.filter(({ tensor }) => tensor === undefined || kept.names.has(tensor)),
    producers: new Map(),
    consumers: new Map(),
  };
  linkModel(part);
  return {
    model: part,
    inputs: inputs.map((input) => input.name),
    replaced: border.replaced,
    given: border.given,
    outputs: exit.wanted,
    sides: exit.sides,
  };
}

/** Whether a tensor can leave the runtime and come back as it is: the half-precision types cannot everywhere. */
function hasArrays(type: number | undefined): boolean {
  return type !== undefined && type !== ELEM.BFLOAT16 && type !== ELEM.FLOAT16;
}

/**
 * The shape of a tensor that a fused operator reads, as far as the file declares it; undefined for others, since some
 * exporters declare shapes wrongly. The runtime's rules for fused operators take an unknown width for a wrong one.
 */
function shapeForReaders(model: OnnxModel, name: string): (number | string)[] | undefined {
  const fused = model.consumers.get(name)?.some((node) => node.domain === "com.microsoft");
  const dims = fused ? model.values.get(name)?.dims : undefined;
  return dims?.map((dim, axis) => axis === dims.length - 1 ? dim : `${name}/sdm_${axis}`);
}

/**
 * Inputs for tensors from outside. Replaced ones come as float32 and are cast to their own type inside; others come as
 * another part gave them.
 */
function borderOf(model: OnnxModel, replaced: readonly string[], kept: Kept, earlier: string[]) {
  const casts: OnnxNode[] = [], inputs: OnnxValue[] = [];
  const enter = (name: string): [string, string] => {
    const type = elemTypeOf(model, name) ?? ELEM.FLOAT;
    const wide = roots.has(name) || !hasArrays(type);
    const cast = wide && type !== ELEM.FLOAT;
    const input = cast ? `${name}/sdm_given` : name;
    inputs.push({
      name: input,
      elemType: cast ? ELEM.FLOAT : type,
      dims: shapeForReaders(model, name),
    });
    if (cast) casts.push(makeNode("Cast", [input], [name], { fields: [intAttribute("to", type)] }));
    return [name, input];
  };
  const roots = new Set([...replaced, ...earlier]);
  return {
    replaced: new Map(replaced.map(enter)),
    given: new Map(kept.given.map(enter)),
    casts,
    inputs,
  };
}

/** Outputs: wanted ones as float32, sides as they are where there are arrays for that. */
function exitsOf(model: OnnxModel, { wanted, sides = [] }: CutOptions) {
  const casts: OnnxNode[] = [], values = new Map<string, OnnxValue>();
  const leave = (name: string, asIs: boolean): [string, string] => {
    const type = elemTypeOf(model, name);
    const plain = (type === ELEM.FLOAT || asIs) && model.producers.has(name);
    const output = plain ? name : `${name}/sdm_float32`;
    if (!plain && !values.has(output)) {
      casts.push(makeNode("Cast", [name], [output], { fields: [intAttribute("to", ELEM.FLOAT)] }));
    }
    values.set(output, { name: output, elemType: plain ? type : ELEM.FLOAT });
    return [name, output];
  };
  return {
    wanted: new Map(wanted.map((name) => leave(name, false))),
    sides: new Map(sides.map((name) => leave(name, hasArrays(elemTypeOf(model, name))))),
    casts,
    outputs: values,
  };
}
