/**
 * Packs a Deno and a staged program into one file that a POSIX shell unpacks and starts.
 * @module
 */

/** Fills the launcher's blanks. The offset counts from one, as `tail -c +N` does, and includes its own digits. */
export function launcherText(
  template: string,
  values: { version: string; system: string; hash: string },
): string {
  const filled = template
    .replaceAll("@VERSION@", values.version)
    .replaceAll("@SYSTEM@", values.system)
    .replaceAll("@HASH@", values.hash);
  const size = (text: string) => new TextEncoder().encode(text).length;
  // The number is padded to a fixed width, so that writing it does not move what it points at.
  const length = size(filled) - size("@OFFSET@") + 8;
  return filled.replace("@OFFSET@", String(length + 1).padEnd(8));
}

/** Runs a command and answers its standard output, trimmed. */
async function output(name: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, { args }).output();
  if (!success) {
    throw new Error(`Cannot pack: "${name}" failed, ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout).trim();
}

/**
 * Writes the self-extracting file.
 * @param stage folder with the executable `deno` and the folder `program`; gets `complete` beside them
 * @param target path of the file to write
 */
export async function packSelfExtracting(
  stage: string,
  target: string,
  version: string,
): Promise<void> {
  await Deno.writeTextFile(`${stage}/complete`, "the last file of the archive\n");
  const archive = `${stage}.tar.gz`;
  // "complete" goes last: where it is, all the others are.
  await output(
    "sh",
    "-c",
    'tar -C "$1" -cf - deno program complete | gzip -n -9 > "$2"',
    "sh",
    stage,
    archive,
  );
  const payload = await Deno.readFile(archive);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", payload));
  const header = launcherText(
    await Deno.readTextFile(new URL("./launcher.sh", import.meta.url)),
    {
      version,
      system: `${await output("uname", "-s")} ${await output("uname", "-m")}`,
      hash: digest.toHex().slice(0, 16),
    },
  );
  await Deno.writeTextFile(target, header);
  await Deno.writeFile(target, payload, { append: true });
  await Deno.chmod(target, 0o755);
  await Deno.remove(archive);
}
