/**
 * The program: arguments in, an exit code out.
 * @module
 */
import { run } from "./lib/commands/run.ts";

if (import.meta.main) {
  // Runtimes of the model keep threads of their own alive, so leaving is explicit.
  Deno.exit(await run({ argv: Deno.args, exit: Deno.exit }));
}
