/**
 * The library: train, measure and use sparse dictionaries from TypeScript.
 *
 * ```ts
 * import { loadConfig, train } from "./mod.ts";
 *
 * const config = await loadConfig({ file: "models/demo/demo.toml" });
 * const result = await train(
 *   { config, resume: false, overwrite: true },
 *   { onProgress: ({ stage, done, total }) => console.log(stage, done, total) },
 * );
 * console.log(result.path, result.figures);
 * ```
 *
 * Training and measuring run in a worker that owns the GPU. {@link openGpu} and {@link loadDictionary} run a dictionary on
 * the calling thread.
 * @module
 */
export {
  DeviceLostError,
  messageOf,
  OutOfMemoryError,
  SdmError,
  type SdmErrorOptions,
} from "./lib/base/errors.ts";
export { type OnProgress, type ProgressEvent, silent } from "./lib/base/progress.ts";
export { VERSION } from "./lib/base/version.ts";
export {
  buildReport as report,
  compareInWorker as compare,
  convertInWorker as convert,
  type EvalOutcome,
  type EvalRequest,
  evaluateRun as evaluate,
  synthInWorker as synth,
  trainInWorker as train,
  type WorkHooks,
} from "./lib/commands/library.ts";
export type { InputsNeeded } from "./lib/config/check.ts";
export { type Entrant, parseEntrants } from "./lib/config/entrants.ts";
export type { PointsKind } from "./lib/config/families.ts";
export { type ConfigSources, loadConfig } from "./lib/config/load.ts";
export {
  type ActivationName,
  ACTIVATIONS,
  type EncoderName,
  ENCODERS,
  LOSSES,
  type LossName,
  LR_SCHEDULES,
  type LrScheduleName,
  type NormalizationName,
  NORMALIZATIONS,
  type OptimizerName,
  OPTIMIZERS,
  PENALTIES,
  type PenaltyName,
  type TypeName,
  TYPES,
} from "./lib/config/names.ts";
export type { Override } from "./lib/config/overrides.ts";
export { resolveDefaults, type WidthFacts } from "./lib/config/resolve.ts";
export type {
  Config,
  DataConfig,
  DictionaryConfig,
  GpuConfig,
  ModelConfig,
  OptimizerConfig,
  ReportConfig,
  ResolvedConfig,
  TrainConfig,
} from "./lib/config/types.ts";
export type {
  CountConfig,
  FamilyConfig,
  PenaltyConfig,
  ShapeConfig,
} from "./lib/config/types_dictionary.ts";
export type { Measured } from "./lib/evals/definitions.ts";
export { PRESET_NAMES, type PresetName } from "./lib/evals/synthetic.ts";
export type { HubDtype } from "./lib/files/hub_names.ts";
export { type Freed, type Gpu, type GpuOptions, openGpu } from "./lib/gpu/device.ts";
export type { DeviceFacts, Tuning } from "./lib/gpu/facts.ts";
export { openDictionary, type OpenedDictionary } from "./lib/interop/detect.ts";
export { saveDictionary } from "./lib/interop/save.ts";
export type { SaelensExtra } from "./lib/interop/saelens_write.ts";
export type { NtkByParts, Rotary } from "./lib/kernels/rope_rows.ts";
export { asJumprelu, calibrated, calibrateThreshold } from "./lib/models/calibrate.ts";
export { foldScales } from "./lib/models/fold.ts";
export { type EncodedRows, loadDictionary, type LoadedDictionary } from "./lib/models/inference.ts";
export type {
  Activation,
  CltRecord,
  DictionaryRecord,
  LorsaRecord,
  Provenance,
  TrainedRecord,
} from "./lib/models/record.ts";
export { orderByImportance, reorderLatents } from "./lib/models/reorder.ts";
export { listHookpoints } from "./lib/onnx/hookpoints.ts";
export {
  checkHookpoints,
  type CheckOptions,
  type HookCheck,
  type HookTest,
} from "./lib/onnx/check_hooks.ts";
export { explainHookpoint, type Explanation } from "./lib/onnx/explain.ts";
export { loadModel } from "./lib/onnx/graph.ts";
export type {
  OnnxField,
  OnnxInitializer,
  OnnxModel,
  OnnxNode,
  OnnxValue,
} from "./lib/onnx/model.ts";
export type {
  ConcreteProvider,
  ProviderOptions,
  RuntimeOptions,
  WasmPaths,
} from "./lib/onnx/providers.ts";
export { spawnRunner } from "./lib/onnx/remote.ts";
export type { RunnerOptions } from "./lib/onnx/runner.ts";
export type {
  Confidence,
  DeviceTaps,
  Hookpoint,
  ModelRunner,
  ProviderName,
} from "./lib/onnx/types.ts";
export { type CutModel, cutModel, type CutOptions, spliceRoot } from "./lib/onnx/cut.ts";
export { createSplicer, type SplicerOptions } from "./lib/onnx/splice.ts";
export type {
  CleanRun,
  SplicedRun,
  SplicedStep,
  Splicer,
  SplicerFacts,
} from "./lib/onnx/splice_types.ts";
export type { ComparePoints, CompareRequest, PointPair } from "./lib/report/compare_plan.ts";
export type { CompareGroup, CompareOutcome, CompareRow } from "./lib/report/compare_types.ts";
export type { ConvertOutcome, ConvertRequest } from "./lib/report/convert.ts";
export type { AblatePositions, Downstream } from "./lib/evals/downstream.ts";
export type { EvaluateRequest } from "./lib/report/evaluate.ts";
export {
  describedJsonSchema as configJsonSchema,
  describeFamilies,
  type FamilyDescription,
  type FamilyOption,
} from "./lib/report/families.ts";
export type { SyntheticOutcome, SyntheticRequest, SyntheticRun } from "./lib/report/synthetic.ts";
export { ROW_NORMS, type RowNorm } from "./lib/tensor/row_norm.ts";
export type { TrainRequest, TrainResult } from "./lib/train/types.ts";
