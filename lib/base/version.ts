/**
 * The program's name and version, as written into everything that it makes.
 * @module
 */
import facts from "../../deno.json" with { type: "json" };

/** Version, from `deno.json`. */
export const VERSION: string = facts.version;

/** `sdm` and the version. */
export const TOOL: string = `sdm ${VERSION}`;
