import assert from "assert";
import { normaliseArgv } from "../../lib/commands/argv.ts";
import { adapterAdvice, parseOsRelease } from "../../lib/commands/doctor_advice.ts";

Deno.test("flags are spelled our way, values and words stay as they are", () => {
  assert.deepEqual(
    normaliseArgv(["train", "my_file.toml", "--d_sae", "8_000", "--num-latents=5", "-q"]),
    ["train", "my_file.toml", "--d-sae", "8_000", "--d-sae=5", "-q"],
  );
  assert.deepEqual(normaliseArgv(["--learning_rate=a_b"]), ["--lr=a_b"]);
  assert.deepEqual(normaliseArgv(["--set", "a_b.c_d=e_f"]), ["--set", "a_b.c_d=e_f"]);
  assert.deepEqual(normaliseArgv(["--no_remove_first_token"]), ["--no-drop-first"]);
  assert.deepEqual(normaliseArgv(["--", "--d_sae"]), ["--", "--d_sae"]);
});

Deno.test("what to install follows the system", () => {
  const debian = parseOsRelease('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n');
  assert.equal(debian.PRETTY_NAME, "Debian GNU/Linux 12");
  assert.match(adapterAdvice("linux", debian, true), /^apt-get install -y mesa-vulkan-drivers/);
  assert.match(adapterAdvice("linux", debian, false), /^sudo apt-get/);
  const mint = parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\n');
  assert.match(adapterAdvice("linux", mint, true), /^apt-get/);
  assert.match(adapterAdvice("linux", { ID: "fedora" }, true), /^dnf install/);
  assert.match(adapterAdvice("linux", { ID: "alpine" }, true), /^apk add/);
  assert.match(adapterAdvice("linux", { ID: "arch" }, true), /^pacman -S/);
  assert.match(adapterAdvice("linux", { ID: "nixos" }, true), /lavapipe/);
  assert.match(adapterAdvice("darwin", {}, false), /macOS/);
  assert.match(adapterAdvice("windows", {}, false), /driver/);
});
