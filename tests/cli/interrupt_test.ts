import assert from "assert";

const PROGRAM = `
import { Session } from "./lib/commands/session.ts";
const session = new Session({ argv: [], exit: Deno.exit });
using work = session.work("Stopping at a checkpoint");
work.signal.addEventListener("abort", () => console.log("aborted"));
console.log("ready");
await new Promise((resolve) => setTimeout(resolve, 20_000));
`;

Deno.test({
  name: "the first Ctrl-C aborts the signal and says so, the second leaves with 130",
  ignore: Deno.build.os === "windows", // there a process cannot send Ctrl-C to another one
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", PROGRAM],
      cwd: new URL("../../", import.meta.url).pathname,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = new Response(child.stderr).text();
    let out = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      out += text;
      if (text.includes("ready") || text.includes("aborted")) child.kill("SIGINT");
    }
    assert.equal(out, "ready\naborted\n");
    assert.equal((await child.status).code, 130);
    assert.equal(await errors, "Stopping at a checkpoint; press Ctrl-C again to leave at once\n");
  },
});
