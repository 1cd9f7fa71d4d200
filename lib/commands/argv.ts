/**
 * Spelling of flags: `_` is `-`, and other programs' names of configuration keys are ours. Pure.
 * @module
 */
import { ALIASES } from "../config/aliases.ts";

/** Our name of a flag: `num_latents` is `d-sae`. */
export function flagName(name: string): string {
  const plain = name.replaceAll("-", "_");
  const path = ALIASES.get(plain);
  return (path ? path.slice(path.indexOf(".") + 1) : plain).replaceAll("_", "-");
}

/** Arguments with every long flag spelled our way; what follows `--` stays as it is. */
export function normaliseArgv(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  return argv.map((argument, i) => {
    if (!argument.startsWith("--") || (end >= 0 && i >= end)) return argument;
    const [, negation, name, value] = /^--(no-|no_)?([^=]*)(=.*)?$/s.exec(argument)!;
    if (name === "") return argument;
    return `--${negation ? "no-" : ""}${flagName(name)}${value ?? ""}`;
  });
}
