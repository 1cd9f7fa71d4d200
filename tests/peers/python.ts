/** The Python with the peers in it, and how its scripts are called. */

const HERE = import.meta.dirname!;

/** The Python of SDM_PEERS_PYTHON, or the one that `setup_python.sh` makes in `.venv-peers`. */
export async function findPython(): Promise<string> {
  const named = Deno.env.get("SDM_PEERS_PYTHON");
  if (named) return named;
  const setup = await new Deno.Command("sh", { args: [`${HERE}/setup_python.sh`] }).spawn().status;
  if (!setup.success) throw new Error("setup_python.sh failed");
  return `${HERE}/../../.venv-peers/bin/python`;
}

/** Runs a script beside this file and gives what it printed. */
export async function python(
  program: string,
  script: string,
  args: string[],
  input = "",
): Promise<string> {
  const child = new Deno.Command(program, {
    args: [`${HERE}/${script}`, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { HF_HUB_OFFLINE: "1", WANDB_MODE: "disabled", PYTHONDONTWRITEBYTECODE: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`${script} failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
