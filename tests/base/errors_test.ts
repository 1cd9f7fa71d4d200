import assert from "assert";
import {
  DeviceLostError,
  messageOf,
  OutOfMemoryError,
  portableError,
  reviveError,
  SdmError,
} from "../../lib/base/errors.ts";

Deno.test("exit codes: 2 for bad input, 3 for a lost device, or what was said", () => {
  assert.equal(new SdmError("x").exitCode, 2);
  assert.equal(new SdmError("x", { exitCode: 130 }).exitCode, 130);
  assert.equal(new DeviceLostError("x").exitCode, 3);
  assert.equal(new OutOfMemoryError("x").exitCode, 2);
});

Deno.test("an error keeps class, message, hint and exit code on the way through a worker", async () => {
  const cause = new Error("below");
  const errors = [
    new SdmError("Cannot a: b, c", { hint: "do d", cause, exitCode: 130 }),
    new DeviceLostError("gone", { hint: "resume" }),
    new OutOfMemoryError("too large"),
    new SdmError("no hint"),
  ];
  for (const error of errors) {
    const { port1, port2 } = new MessageChannel();
    const arrived = new Promise<Error>((resolve) => {
      port2.onmessage = ({ data }) => resolve(reviveError(data));
    });
    port1.postMessage(portableError(error));
    const revived = await arrived as SdmError;
    port1.close();
    port2.close();
    assert.equal(revived.constructor, error.constructor);
    assert.ok(revived instanceof SdmError);
    const { name, message, hint, exitCode } = error;
    assert.deepEqual(
      [revived.name, revived.message, revived.hint, revived.exitCode],
      [name, message, hint, exitCode],
    );
  }
});

Deno.test("an unexpected error keeps its stack and is no SdmError", () => {
  const error = new TypeError("surprise");
  const revived = reviveError(portableError(error));
  assert.ok(!(revived instanceof SdmError));
  assert.deepEqual([revived.message, revived.stack], [error.message, error.stack]);
  assert.equal(reviveError(portableError("just text")).message, "just text");
});

Deno.test("messageOf() has a text for anything that is thrown", () => {
  assert.equal(messageOf(new RangeError("far")), "far");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(7), "7");
  assert.equal(messageOf(undefined), "undefined");
});
