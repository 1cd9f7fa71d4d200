/**
 * Finds out what this machine can do: each thing is tried, not guessed.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { VERSION } from "../base/version.ts";
import { freeBytes } from "../files/disk.ts";
import type { Gpu } from "../gpu/device.ts";
import type { FamilyDescription } from "../report/families.ts";
import type { RememberedTuning } from "../train/tuned_gpu.ts";
import { adapterAdvice, parseOsRelease } from "./doctor_advice.ts";

/** An adapter that was opened. */
export interface AdapterFacts {
  /** Its own description. */
  name: string;
  /** Whether it computes on the CPU. */
  software: boolean;
  /** Lanes of a subgroup, 0 without subgroup operations. */
  subgroup_size: number;
  /** Whether half floats are granted. */
  f16: boolean;
  /** Whether timestamp queries are granted. */
  timestamps: boolean;
  /** Limits that matter to training. */
  limits: Record<string, number>;
  /** What was found of the variants of kernels; null where nothing was tried. */
  kernels: RememberedTuning | null;
}

/** What to do beyond looking. */
export interface DoctorOptions {
  /** Find the fastest variants of kernels now. */
  tune: boolean;
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop. */
  signal?: AbortSignal;
}

/** Everything that `sdm doctor` says. */
export interface DoctorFacts {
  /** Versions of the program and of the runtime below it. */
  versions: { sdm: string; deno: string; v8: string };
  /** The system. */
  system: { os: string; arch: string; name: string };
  /** The adapter, or why there is none and what to do. */
  adapter: AdapterFacts | { trouble: string; advice: string };
  /** Each provider of ONNX Runtime: `null` when it ran a small model, else why it did not. */
  providers: Record<string, string | null>;
  /** Logical cores. */
  cores: number;
  /** Main memory in bytes. */
  memory: { total: number; available: number };
  /** Bytes free in the working folder. */
  disk_free: number | null;
  /** Families of dictionaries that can be trained, with formula, source and the keys that each reads. */
  families: FamilyDescription[];
}

async function osRelease(): Promise<Record<string, string>> {
  if (Deno.build.os !== "linux") return {};
  return parseOsRelease(await Deno.readTextFile("/etc/os-release").catch(() => ""));
}

async function adapterFacts(
  release: Record<string, string>,
  { tune, onProgress, signal }: DoctorOptions,
): Promise<DoctorFacts["adapter"]> {
  const { openGpu } = await import("../gpu/device.ts");
  const { findTuning, knownTuning } = await import("../train/tuned_gpu.ts");
  let gpu: Gpu | undefined;
  try {
    gpu = await openGpu();
    const { facts } = gpu;
    const kernels = tune
      ? await findTuning(gpu, onProgress, signal)
      : await knownTuning(facts) ?? null;
    return {
      name: facts.name,
      software: facts.software,
      subgroup_size: facts.subgroupSize,
      f16: facts.f16,
      timestamps: facts.timestamps,
      limits: {
        max_binding_bytes: facts.maxBindingBytes,
        max_buffer_bytes: facts.maxBufferBytes,
        max_storage_buffers: facts.maxStorageBuffers,
        max_invocations: facts.maxInvocations,
        workgroup_bytes: facts.workgroupBytes,
      },
      kernels,
    };
  } catch (error) {
    if (signal?.aborted) throw error;
    const root = Deno.build.os === "linux" && Deno.uid() === 0;
    const trouble = error instanceof SdmError ? error.message : messageOf(error).split("\n")[0];
    return { trouble, advice: adapterAdvice(Deno.build.os, release, root) };
  } finally {
    gpu?.close();
  }
}

/** A model of one Identity, input "x" and output "y" of one float: enough to prove that a provider works. */
const IDENTITY = "CAgSADo3ChAKAXgSAXkiCElkZW50aXR5EgFnWg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggI" +
  "ARIECgIIAUIECgAQDQ==";

async function providerTrouble(name: "cpu" | "wasm" | "webgpu"): Promise<string | null> {
  const { firstLine, loadRuntime } = await import("../onnx/providers.ts");
  try {
    const runtime = await loadRuntime(name);
    const bytes = Uint8Array.from(atob(IDENTITY), (c) => c.charCodeAt(0));
    const session = await runtime.open(bytes, []);
    const { y } = await session.run({ x: new runtime.Tensor("float32", [42], [1]) });
    const value = (await y.getData())[0];
    await session.release();
    runtime.close();
    return value === 42 ? null : `it answers ${value} where 42 is right`;
  } catch (error) {
    return firstLine(error);
  }
}

/** Tries everything, one thing after another. */
export async function doctorFacts(options: DoctorOptions): Promise<DoctorFacts> {
  const release = await osRelease();
  const { describeFamilies } = await import("../report/families.ts");
  const { total, available } = Deno.systemMemoryInfo();
  return {
    versions: { sdm: VERSION, deno: Deno.version.deno, v8: Deno.version.v8 },
    system: {
      os: Deno.build.os,
      arch: Deno.build.arch,
      name: release.PRETTY_NAME ?? `${Deno.build.os} ${Deno.osRelease()}`,
    },
    adapter: await adapterFacts(release, options),
    providers: {
      cpu: await providerTrouble("cpu"),
      wasm: await providerTrouble("wasm"),
      webgpu: await providerTrouble("webgpu"),
    },
    cores: navigator.hardwareConcurrency,
    memory: { total, available },
    disk_free: await freeBytes(Deno.cwd()) ?? null,
    families: describeFamilies(),
  };
}
