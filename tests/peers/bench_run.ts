/**
 * The comparison of speed at its smallest: every peer and method runs, and has the losses that we have after equal steps.
 * @module
 */
import { run } from "../../bench/peers/main.ts";

if (import.meta.main) Deno.exit(await run(["--tiny", "--minutes", "20"]));
