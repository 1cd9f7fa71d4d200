/**
 * `sdm hooks model.onnx`: where activations of a model can be read.
 * @module
 */
import type { Command } from "commander";
import type { Column } from "../report/terminal.ts";
import type { Session } from "./session.ts";
import { factLines, tableLines } from "./terminal/table.ts";

/** Defines the command. */
export function define(command: Command, session: Session): void {
  command
    .argument("<model>", "ONNX file")
    .option("--tensors", "list the names of all tensors too")
    .action(async (model: string, options: { tensors?: boolean }) => {
      const { loadModel } = await import("../onnx/graph.ts");
      const { describeModel } = await import("../onnx/describe.ts");
      const { tensorNames } = await import("../onnx/edit.ts");
      const loaded = await loadModel(model);
      const facts = describeModel(loaded);
      const tensors = options.tensors ? tensorNames(loaded) : undefined;
      if (session.json) return session.printJson({ ...facts, tensors });
      const { style } = session;
      const words: [string, unknown][] = [
        ["model", model],
        ["written by", facts.producer],
        ["opset", facts.opset],
        ["layers", facts.layers || undefined],
        ["vocabulary", facts.vocab],
        ["longest context", facts.contextLimit],
        ["no canonical names", facts.trouble],
      ];
      const known = words.filter(([, value]) => value !== undefined && value !== "");
      for (const line of factLines(known.map(([k, v]) => [k, String(v)]), style)) {
        session.print(line);
      }
      if (facts.hookpoints.length > 0) {
        const rows = facts.hookpoints.map(({ name, d, tensor, why }) =>
          [name, String(d ?? "?"), tensor, why] as const
        );
        const columns: Column[] = [{ title: "hookpoint" }, { title: "d", align: "right" }, {
          title: "tensor",
        }, {
          title: "why",
        }];
        session.print("");
        for (const line of tableLines(columns, rows, style)) session.print(line);
      }
      if (tensors) session.print(["", style.bold("tensors"), ...tensors].join("\n"));
    });
}
