/**
 * The command that was given, as text that a shell reads.
 * @module
 */

/** `sdm` and its arguments, quoted where a shell would take them for something else. */
export function commandLine(argv: readonly string[]): string {
  const quoted = argv.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
  );
  return ["sdm", ...quoted].join(" ");
}
