/**
 * The sections that say what a dictionary is trained on: the model, the text, and what goes around a run.
 * @module
 */
import { z } from "zod";
import { DTYPE_SUFFIX, type HubDtype } from "../files/hub_names.ts";
import {
  choice,
  defaultWhole,
  field,
  flag,
  optionalChoice,
  optionalNames,
  optionalPath,
  optionalPaths,
  optionalWhole,
} from "./field.ts";

/** Keys that stand outside of any section. */
export const top = {
  output_path: field(z.string().default(""), {
    kind: "path",
    description: "Folder of the run: configuration, metrics, checkpoints, final weights, report.",
    fallback: "runs/<name of the config file>, or runs/<time> without one",
    reason: "One folder a configuration, so that --resume finds it again.",
    needs: "a path",
  }),
  seed: defaultWhole(0, 0, {
    description: "Seed of all random streams: initial weights, order of the data, samples.",
    reason: "A fixed seed makes a run repeatable; change it to see the spread.",
  }),
};

const DTYPES = Object.keys(DTYPE_SUFFIX) as [HubDtype, ...HubDtype[]];

/** `[model]`: the language model. */
export const model = z.strictObject({
  onnx: optionalPath({
    description: "The language model: an ONNX file, a folder with one, or owner/name on the hub.",
    reason: "None: needed unless data.activations names a store.",
  }),
  hub: field(z.string().min(1).optional(), {
    kind: "text",
    description: "The hub's repository and commit that model.onnx was fetched from.",
    reason: "None: a run writes it down, so that its model is found again on another machine.",
    needs: "owner/name@revision",
  }),
  dtype: optionalChoice(DTYPES, {
    description: "Which of a hub repository's ONNX files is meant, by its precision.",
    fallback: "fp32, which is onnx/model.onnx",
    reason: "Activations of a quantised model are measurably other ones.",
  }),
  tokenizer: optionalPath({
    description: "The tokenizer.json that belongs to the model.",
    fallback: "tokenizer.json beside the ONNX file",
    reason: "Exporters write it there.",
  }),
  hookpoint: field(z.string().min(1).optional(), {
    kind: "text",
    description:
      "Where activations are read: a canonical name such as blocks.2.hook_resid_post, or an ONNX tensor.",
    reason: "None: it is the question that a dictionary answers; sdm hooks lists the choices.",
    needs: "the name of a hookpoint",
  }),
  hookpoint_out: field(z.string().min(1).optional(), {
    kind: "text",
    description: "What a transcoder or lorsa reconstructs from the activations at hookpoint.",
    reason: "None: such a dictionary replaces what lies between the two.",
    needs: "the name of a hookpoint",
  }),
  hookpoints: optionalNames({
    description:
      "Inputs of a cross-layer transcoder, one a layer; * stands for every layer, as in blocks.*.mlp.hook_in.",
    reason: "None: needed by a cross-layer transcoder, and a way to harvest several places.",
  }),
  hookpoints_out: optionalNames({
    description: "Outputs of a cross-layer transcoder, one a layer, as blocks.*.hook_mlp_out.",
    reason: "None: needed by a cross-layer transcoder.",
  }),
  provider: choice(["auto", "cpu", "wasm", "webgpu"], {
    description: "Which ONNX Runtime runs the model.",
    reason: "auto takes the native cpu library where it loads, else wasm, which is always there.",
  }),
  threads: optionalWhole(1, {
    description: "Threads of the language model.",
    fallback: "as many as ONNX Runtime takes by itself",
    reason: "Lower it to leave cores to a GPU that is emulated in software.",
  }),
});

/** `[data]`: text, contexts, masks, stores. */
export const data = z.strictObject({
  text: optionalPaths({
    description:
      "Training text: .txt, .jsonl (also .gz or .zst) and .parquet files, or folders of them.",
    reason: "None: needed unless data.dataset or data.activations is given.",
  }),
  dataset: field(z.string().min(1).optional(), {
    kind: "text",
    description:
      "A dataset of the hub as training text: owner/name, also with @revision, :config and /split.",
    reason: "None: takes the place of data.text; its files are fetched as far as they are read.",
    needs: "owner/name, owner/name:config or owner/name:config/split",
  }),
  dataset_config: field(z.string().min(1).optional(), {
    kind: "text",
    description: "Configuration (subset) of data.dataset.",
    fallback: "the one in the dataset's name, else its default",
    reason: "Large datasets have samples under names of their own.",
    needs: "the name of a configuration",
  }),
  dataset_split: field(z.string().min(1).optional(), {
    kind: "text",
    description: "Split of data.dataset that is trained on.",
    fallback: "the one in the dataset's name, else train",
    reason: "The split that nearly all datasets have.",
    needs: "the name of a split",
  }),
  dataset_eval_split: field(z.string().min(1).optional(), {
    kind: "text",
    description: "Split of data.dataset that is held out.",
    fallback: "a part of the training split, see data.eval_fraction",
    reason: "Many large datasets have no other split.",
    needs: "the name of a split",
  }),
  dataset_whole: flag(false, {
    description: "Whether parquet files of data.dataset are fetched whole.",
    reason: "By default only the parts that are read come over the network, and are kept.",
  }),
  eval_text: optionalPaths({
    description: "Held-out text, never trained on.",
    fallback: "a part of data.text, see data.eval_fraction",
    reason: "A separate file is the stronger test.",
  }),
  eval_fraction: field(z.number().gt(0).max(0.5).default(0.05), {
    kind: "number",
    description: "Share of the contexts that is held out when there is no data.eval_text.",
    reason: "5 % measures FVU to three digits and costs little training data.",
    needs: "a number above 0 and of at most 0.5",
  }),
  text_field: field(z.string().min(1).default("text"), {
    kind: "text",
    description: "Field of a .jsonl line, or column of a .parquet file, that holds the text.",
    reason: "The name that nearly all corpora use.",
    needs: "the name of a field",
  }),
  context_size: defaultWhole(2, 128, {
    description: "Tokens of one context that the model reads at once.",
    unit: "tokens",
    reason:
      "Most latents are local; longer contexts cost memory in the model, not in the dictionary.",
  }),
  prepend_bos: field(z.union([z.boolean(), z.literal("auto")]).default("auto"), {
    kind: "boolean",
    description: "Whether each context starts with the tokenizer's BOS token.",
    reason:
      "auto says yes where BOS is not EOS too (Llama, Gemma; not GPT-2), as models were trained.",
    needs: 'true, false or "auto"',
  }),
  drop_first: flag(true, {
    description: "Whether the first position of each context is left out.",
    reason: "Its norm is often tens of times that of the others, and it carries no meaning.",
  }),
  exclude_tokens: field(
    z.union([z.literal("special"), z.array(z.int().min(0))]).default("special"),
    {
      kind: "numbers",
      description: 'Token ids whose activations are left out; "special" means those so marked.',
      reason: "Special tokens have activations of their own kind and would take latents.",
      needs: '"special" or a list of token ids',
    },
  ),
  activations: optionalPath({
    description:
      "Activation store to train from, made by sdm harvest; takes the place of data.text.",
    reason: "None: without a store, activations are made while training.",
  }),
  buffer_tokens: defaultWhole(1, 65536, {
    description: "Rows of a block, the unit of shuffling and of reading.",
    unit: "rows",
    reason: "About 500 contexts mixed together; 64 MiB at d_in 256.",
  }),
  max_tokens: optionalWhole(1, {
    description: "Tokens of text that are used; the rest is ignored.",
    unit: "tokens",
    fallback: "all of them",
    reason: "Useful for a trial run.",
  }),
  harvest_contexts: defaultWhole(1, 16, {
    description: "Contexts that the model runs at once.",
    unit: "contexts",
    reason: "Enough to fill a CPU's matrix units; more needs memory only.",
  }),
});

/** `[report]`: what the report shows. */
export const report = z.strictObject({
  latents: defaultWhole(1, 60, {
    description: "Latents that get a card in the report.",
    reason: "Enough to judge a dictionary in some minutes.",
  }),
  contexts: defaultWhole(1, 10, {
    description: "Contexts of strong activation on each card.",
    reason: "Fewer hide a second meaning, more repeat the first.",
  }),
  context_window: defaultWhole(1, 24, {
    description: "Tokens shown around the strongest activation of a context.",
    unit: "tokens",
    reason: "About two lines of text.",
  }),
  eval: flag(true, {
    description: "Whether a finished training run is evaluated and gets its report by itself.",
    reason: "A dictionary that was never measured on held-out text says little.",
  }),
});
