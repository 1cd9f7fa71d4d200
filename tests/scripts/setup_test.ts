/** What setup does about a missing adapter, on machines that we do not have. */
import assert from "assert";
import { remedyFor } from "../../scripts/setup.ts";

Deno.test("remedyFor() installs the driver with its loader for root on Debian", () => {
  const remedy = remedyFor({ os: "linux", root: true, managers: ["apt-get"] });
  assert.equal(remedy.kind, "install");
  const last = remedy.kind === "install" ? remedy.commands.at(-1)! : [];
  assert.deepEqual(last.slice(-2), ["mesa-vulkan-drivers", "libvulkan1"]);
});

Deno.test("remedyFor() asks everyone else, with sudo unless root", () => {
  const ask = (root: boolean, ...managers: string[]) => {
    const remedy = remedyFor({ os: "linux", root, managers });
    return remedy.kind === "ask" ? remedy.line : "";
  };
  assert.match(
    ask(false, "apt-get"),
    /^sudo apt-get update && sudo apt-get install -y mesa-vulkan/,
  );
  assert.match(ask(false, "dnf"), /^sudo dnf install -y mesa-vulkan-drivers/);
  assert.match(ask(true, "pacman"), /^pacman -S /);
  assert.match(ask(false, "apk"), /^sudo apk add /);
  assert.match(ask(false), /^install a Vulkan driver/);
});

Deno.test("remedyFor() never installs on macOS or Windows", () => {
  for (const os of ["darwin", "windows"]) {
    assert.equal(remedyFor({ os, root: true, managers: ["apt-get"] }).kind, "ask");
  }
});
