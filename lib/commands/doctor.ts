/**
 * `sdm doctor`: what this machine can do, and what is missing.
 * @module
 */
import type { Command } from "commander";
import { formatBytes, formatFigure } from "../base/format.ts";
import type { AdapterFacts, DoctorFacts } from "./doctor_facts.ts";
import type { Session } from "./session.ts";
import { factLines } from "./terminal/table.ts";
import type { Style } from "./terminal/style.ts";

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command.option("--tune", "find the fastest kernels of this adapter now, and remember them");
  command.action(async (flags: { tune?: boolean }) => {
    const { doctorFacts } = await import("./doctor_facts.ts");
    let found: DoctorFacts;
    {
      using work = session.work("Stopping");
      found = await doctorFacts({
        tune: flags.tune === true,
        onProgress: work.view.onProgress,
        signal: work.signal,
      });
    }
    const usable = isUsable(found);
    if (!usable) session.exitCode = 2;
    if (session.json) return session.printJson({ ...found, usable });
    for (const line of doctorLines(found, session.style)) session.print(line);
  });
}

/** Whether training is possible: an adapter, and a provider for the model. */
export function isUsable({ adapter, providers }: DoctorFacts): boolean {
  return "name" in adapter && Object.values(providers).some((trouble) => trouble === null);
}

function adapterRows(adapter: DoctorFacts["adapter"], style: Style): [string, string][] {
  if (!("name" in adapter)) {
    return [
      ["adapter", style.warn(`none: ${adapter.trouble}`)],
      ["to get one", adapter.advice],
    ];
  }
  const has = (yes: boolean, text = "yes") => yes ? style.good(text) : "no";
  const { limits } = adapter;
  return [
    ["adapter", style.good(adapter.name) + (adapter.software ? " (computes on the CPU)" : "")],
    ["subgroups", has(adapter.subgroup_size > 0, `${adapter.subgroup_size} lanes`)],
    ["half floats", has(adapter.f16)],
    ["timestamps", has(adapter.timestamps)],
    [
      "limits",
      `${formatBytes(limits.max_binding_bytes)} a binding, ` +
      `${formatBytes(limits.max_buffer_bytes)} a buffer, ` +
      `${limits.max_storage_buffers} storage buffers, ` +
      `${formatBytes(limits.workgroup_bytes)} a workgroup`,
    ],
    ["kernels", kernelsText(adapter, style)],
  ];
}

/** Which variants of kernels the adapter gets. */
function kernelsText({ kernels }: AdapterFacts, style: Style): string {
  if (!kernels) return "as they are made for adapters of this kind; sdm doctor --tune tries all";
  const faults = kernels.faults.map(({ kernel, variant, fault }) =>
    style.warn(`; ${kernel} is wrong as "${variant}" and is not used so: ${fault}`)
  );
  const chosen = Object.entries(kernels.tuning).map(([kernel, variant]) => `${kernel} ${variant}`);
  return `${chosen.join(", ")} (tried ${kernels.date.slice(0, 10)} in ` +
    `${formatFigure(kernels.seconds, 3)} s)${faults.join("")}`;
}

/** What is said on the terminal. */
export function doctorLines(found: DoctorFacts, style: Style): string[] {
  const { versions, system, memory } = found;
  const providers = Object.entries(found.providers).map(([name, trouble]): [string, string] => [
    `model on ${name}`,
    trouble === null ? style.good("yes") : `no: ${trouble}`,
  ]);
  const verdict = isUsable(found)
    ? style.good("This machine can train.")
    : style.warn("This machine cannot train yet: see above.");
  return [
    ...factLines([
      ["sdm", `${versions.sdm}, Deno ${versions.deno}, V8 ${versions.v8}`],
      ["system", `${system.name} (${system.arch})`],
      ["cores", String(found.cores)],
      ["memory", `${formatBytes(memory.total)}, ${formatBytes(memory.available)} available`],
      ["disk", found.disk_free === null ? "?" : `${formatBytes(found.disk_free)} free here`],
      ...adapterRows(found.adapter, style),
      ...providers,
      ["families", found.families.map(({ type }) => type).join(", ")],
    ], style),
    "",
    verdict,
  ];
}
