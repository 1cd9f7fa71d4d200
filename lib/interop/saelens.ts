/**
 * SAELens folders: `cfg.json`, `sae_weights.safetensors` and sometimes `sparsity.safetensors`.
 * @module
 */
export { type SaelensExtra, WEIGHTS_DTYPE, writeSaelens } from "./saelens_write.ts";
export { readSaelens, type SaelensDictionary } from "./saelens_read.ts";
export { CFG_FILE, SPARSITY_FILE, WEIGHTS_FILE } from "./saelens_weights.ts";
