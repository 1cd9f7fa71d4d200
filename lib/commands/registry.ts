/**
 * The commands: name, summary, and where each is. A command is loaded only when it is asked for.
 * @module
 */
import type { Command } from "commander";
import type { Session } from "./session.ts";

/** What the file of a command exports. */
export interface CommandModule {
  /** Adds arguments, flags and the action to `command`. */
  define(command: Command, session: Session): void;
}

/** One line of the registry. */
export interface CommandEntry {
  /** Name on the command line. */
  name: string;
  /** One sentence for `sdm --help`. */
  summary: string;
  /** Loads the file of the command. */
  load(): Promise<CommandModule>;
}

/** All commands in the order of `sdm --help`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "doctor",
    summary: "say what this machine can do, and what is missing",
    load: () => import("./doctor.ts"),
  },
  {
    name: "hooks",
    summary: "list where activations of a model can be read",
    load: () => import("./hooks.ts"),
  },
  {
    name: "harvest",
    summary: "run text through a model into an activation store",
    load: () => import("./harvest.ts"),
  },
  {
    name: "train",
    summary: "train a dictionary, from text or from a store",
    load: () => import("./train.ts"),
  },
  {
    name: "plan",
    summary: "say what a training run needs: memory, disk, time",
    load: () => import("./plan.ts"),
  },
  {
    name: "eval",
    summary: "measure a dictionary on held-out text",
    load: () => import("./eval.ts"),
  },
  {
    name: "report",
    summary: "write the report of a dictionary as one HTML page",
    load: () => import("./report.ts"),
  },
  {
    name: "convert",
    summary: "turn a dictionary that selects by count into a JumpReLU",
    load: () => import("./convert.ts"),
  },
  {
    name: "compare",
    summary: "train several families to the same number of active latents, in one table",
    load: () => import("./compare.ts"),
  },
  {
    name: "synth",
    summary: "train families on planted features and say what they found",
    load: () => import("./synth.ts"),
  },
  {
    name: "encode",
    summary: "show the active latents of each token of a text",
    load: () => import("./encode.ts"),
  },
];
