/** The Python with the peers in it, and how its scripts are called. */

const HERE = import.meta.dirname!;

/** The Python of SDM_PEERS_PYTHON, or the one that `setup_python.sh` makes in `.venv-peers`. */
export function findPython(): Promise<string> {
  return namedOrMade("SDM_PEERS_PYTHON", "setup_python.sh", ".venv-peers");
}

/** The Python of SDM_ONNX_PYTHON, or the one that `onnx/setup_python.sh` makes in `.venv-onnx`. */
export function findExporters(): Promise<string> {
  return namedOrMade("SDM_ONNX_PYTHON", "onnx/setup_python.sh", ".venv-onnx");
}

async function namedOrMade(variable: string, script: string, venv: string): Promise<string> {
  const named = Deno.env.get(variable);
  if (named) return named;
  const setup = await new Deno.Command("sh", { args: [`${HERE}/${script}`] }).spawn().status;
  if (!setup.success) throw new Error(`${script} failed`);
  return `${HERE}/../../${venv}/bin/python`;
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
