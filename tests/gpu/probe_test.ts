import assert from "assert";
import { probeSubgroups } from "../../lib/gpu/probe.ts";
import { whole, withoutSubgroups } from "../kernels/device.ts";

Deno.test("the probe finds subgroups of one size, or none", async () => {
  const { facts, device } = await whole();
  const size = facts.subgroupSize;
  assert.ok(size === 0 || (size >= 4 && size <= 128 && Number.isInteger(Math.log2(size))));
  // A software adapter has them: without, CI would not test what depends on them.
  if (facts.software) assert.ok(size > 0);
  assert.deepEqual(await probeSubgroups(device), { size, directive: facts.subgroupDirective });
});

Deno.test("the probe answers 0 on a device that was opened without subgroups", async () => {
  const { facts, device, check } = await withoutSubgroups();
  assert.equal(facts.subgroupSize, 0);
  assert.deepEqual(await probeSubgroups(device), { size: 0, directive: false });
  // What does not compile is no error of the program.
  check();
});
