/**
 * What to install for a WebGPU adapter, by system. Pure.
 * @module
 */

/** Packages of a software Vulkan driver, by the tool that installs them. */
const DRIVERS: readonly { ids: readonly string[]; command: string }[] = [
  { ids: ["debian", "ubuntu"], command: "apt-get install -y mesa-vulkan-drivers libvulkan1" },
  {
    ids: ["fedora", "rhel", "centos"],
    command: "dnf install -y mesa-vulkan-drivers vulkan-loader",
  },
  { ids: ["alpine"], command: "apk add mesa-vulkan-swrast vulkan-loader" },
  { ids: ["arch"], command: "pacman -S --needed vulkan-swrast vulkan-icd-loader" },
  { ids: ["suse", "opensuse"], command: "zypper install -y libvulkan_lvp libvulkan1" },
];

/** Values of `/etc/os-release`. */
export function parseOsRelease(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^([A-Z_]+)=(["']?)(.*?)\2$/gm)];
  return Object.fromEntries(lines.map(([, name, , value]) => [name, value]));
}

/**
 * One sentence on how to get an adapter.
 * @param os `Deno.build.os`
 * @param release values of `/etc/os-release`, empty elsewhere
 * @param root whether the user may install packages as is
 */
export function adapterAdvice(
  os: string,
  release: Record<string, string>,
  root: boolean,
): string {
  if (os === "darwin") {
    return "Metal comes with macOS: use a Mac, or a virtual machine with paravirtualised graphics";
  }
  if (os === "windows") {
    return "install or update the graphics driver; Direct3D 12 and its software adapter WARP come with Windows";
  }
  const ids = [release.ID ?? "", ...(release.ID_LIKE ?? "").split(/\s+/)];
  const known = DRIVERS.find((driver) => driver.ids.some((id) => ids.includes(id)));
  if (!known) {
    return "install the Vulkan driver of your graphics card, or Mesa's software driver (lavapipe)";
  }
  return `${root ? "" : "sudo "}${known.command}  (or the driver of your graphics card)`;
}
