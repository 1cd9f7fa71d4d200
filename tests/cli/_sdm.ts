/** Runs the program as a user does. */
const ROOT = new URL("../../", import.meta.url);

/** What a run left behind. */
export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Starts `main.ts` with `args`. */
export function start(args: string[], stdin: "null" | "piped" = "null"): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL("main.ts", ROOT).pathname, ...args],
    cwd: ROOT.pathname,
    env: { NO_COLOR: "1" },
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs `main.ts` with `args`; the text of the standard input may be given. */
export async function sdm(args: string[], input?: string): Promise<Ran> {
  const child = start(args, input === undefined ? "null" : "piped");
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}
