/**
 * `deno task setup`: brings in what the program needs on this machine and says what it cannot bring in itself.
 *
 * Quick when all is there. Exit code 2 when something is left to the user, with the one command to type.
 * @module
 */

/** What is known about the machine before anything is installed. */
export interface Machine {
  /** As in `Deno.build.os`. */
  os: string;
  /** Runs as root. */
  root: boolean;
  /** Package managers on PATH. */
  managers: readonly string[];
}

/** How to get a software Vulkan driver and the loader that finds it, by package manager. */
const INSTALL: Readonly<Record<string, string>> = {
  "apt-get": "apt-get update && apt-get install -y mesa-vulkan-drivers libvulkan1",
  dnf: "dnf install -y mesa-vulkan-drivers vulkan-loader",
  pacman: "pacman -S --needed --noconfirm vulkan-swrast vulkan-icd-loader",
  zypper: "zypper install -y libvulkan_lvp libvulkan1",
  apk: "apk add mesa-vulkan-swrast vulkan-loader",
};

/** What to do about a missing adapter. */
export type Remedy =
  /** Run these in turn. */
  | { kind: "install"; commands: string[][] }
  /** Ask the user to type this line. */
  | { kind: "ask"; line: string };

/** The remedy for a machine without an adapter: installs only where it may, and only with Debian's own tool. */
export function remedyFor(machine: Machine): Remedy {
  if (machine.os === "darwin") {
    return {
      kind: "ask",
      line: "Metal comes with macOS: log in on a Mac that shows a desktop and try again",
    };
  }
  if (machine.os === "windows") {
    return {
      kind: "ask",
      line: "Direct3D 12 comes with Windows: update the graphics driver and try again",
    };
  }
  if (machine.root && machine.managers.includes("apt-get")) {
    return {
      kind: "install",
      commands: [
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends"].concat(
          "mesa-vulkan-drivers",
          "libvulkan1",
        ),
      ],
    };
  }
  const manager = Object.keys(INSTALL).find((name) => machine.managers.includes(name));
  if (!manager) {
    return { kind: "ask", line: "install a Vulkan driver, for example Mesa's lavapipe" };
  }
  const sudo = machine.root ? "" : "sudo ";
  return {
    kind: "ask",
    line: INSTALL[manager].split(" && ").map((part) => sudo + part).join(" && "),
  };
}

/** Asks a new process for an adapter, since one that was refused stays refused; answers its name, or nothing. */
async function findAdapter(): Promise<string | undefined> {
  const code = "const a = await navigator.gpu.requestAdapter();" +
    "if (a) console.log(a.info.description || a.info.device || a.info.vendor || 'adapter');";
  // On Linux wgpu falls back to OpenGL, which lacks limits that the kernels need: only Vulkan counts.
  const env: Record<string, string> = Deno.build.os === "linux"
    ? { DENO_WEBGPU_BACKEND: "vulkan" }
    : {};
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    env,
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).trim() || undefined;
}

/** The package managers of {@link INSTALL} that are on PATH. */
function managersOnPath(): string[] {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter(Boolean);
  return Object.keys(INSTALL).filter((name) =>
    folders.some((folder) => {
      try {
        return Deno.statSync(`${folder}/${name}`).isFile;
      } catch {
        return false;
      }
    })
  );
}

/** Runs a command with its output shown only when it fails. */
async function runQuietly(command: string[], env: Record<string, string> = {}): Promise<boolean> {
  const { success, stdout, stderr } = await new Deno.Command(command[0], {
    args: command.slice(1),
    env,
    stdin: "null",
  }).output();
  if (!success) {
    await Deno.stderr.write(stdout);
    await Deno.stderr.write(stderr);
  }
  return success;
}

/** Prints what is left to the user and ends with code 2. */
function giveUp(problem: string, line?: string): never {
  console.error(problem);
  if (line) console.error(`Hint: ${line}`);
  Deno.exit(2);
}

/** Brings in packages and an adapter. Ends the process with code 2 when it cannot. */
export async function setup(): Promise<void> {
  const started = performance.now();
  const install = [Deno.execPath(), "install", "--frozen", "--quiet"];
  if (!await runQuietly(install)) {
    giveUp(
      "Cannot set up: the npm packages of deno.json could not be fetched, a network is needed once",
    );
  }

  let adapter = await findAdapter();
  if (!adapter) {
    const root = Deno.build.os === "linux" && Deno.uid() === 0;
    const remedy = remedyFor({ os: Deno.build.os, root, managers: managersOnPath() });
    const problem = "Cannot set up: no WebGPU adapter was found, a Vulkan driver is needed";
    if (remedy.kind === "ask") giveUp(problem, remedy.line);
    console.log(
      "setup: no WebGPU adapter found, so a software Vulkan driver is installed with " +
        `"${remedy.commands.at(-1)!.join(" ")}"`,
    );
    for (const command of remedy.commands) {
      if (!await runQuietly(command, { DEBIAN_FRONTEND: "noninteractive" })) {
        giveUp(`Cannot set up: "${command.join(" ")}" failed, see its output above`);
      }
    }
    adapter = await findAdapter();
    if (!adapter) {
      giveUp(
        "Cannot set up: the driver is installed but no adapter was found, a working Vulkan is needed",
        "apt-get install -y vulkan-tools && vulkaninfo --summary shows what the loader sees",
      );
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`setup: packages in place, adapter "${adapter}" (${seconds} s)`);
}

if (import.meta.main) {
  Deno.chdir(new URL("../", import.meta.url));
  await setup();
}
