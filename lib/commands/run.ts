/**
 * From arguments to an exit code: finds the command, runs it, and turns what it throws into a sentence.
 * @module
 */
import { Command, CommanderError } from "commander";
import { messageOf, SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { VERSION } from "../base/version.ts";
import { REFUSED } from "../config/aliases.ts";
import { normaliseArgv } from "./argv.ts";
import { COMMANDS } from "./registry.ts";
import { addCommonFlags, type Host, Session } from "./session.ts";

const EPILOGUE = `
sdm COMMAND --help shows the flags of a command. A first run:
  sdm hooks model.onnx
  sdm train --onnx model.onnx --text corpus.txt --hookpoint blocks.0.hook_resid_post`;

/** The command that the arguments ask for, if any. */
function wantedCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((argument) => !argument.startsWith("-"));
  return words[0] === "help" ? words[1] : words[0];
}

async function buildProgram(argv: readonly string[], session: Session): Promise<Command> {
  const program = new Command("sdm")
    .description("Train, measure and show sparse dictionaries of a language model's activations.")
    .version(VERSION, "-V, --version", "print the version")
    .addHelpText("after", EPILOGUE)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => session.print(text.replace(/\n$/, "")),
      writeErr: (text) => session.print(text.replace(/\n$/, "")),
      outputError: () => {},
      getOutHelpWidth: () => Math.min(120, session.width()),
    });
  const wanted = wantedCommand(argv);
  if (wanted !== undefined && !COMMANDS.some(({ name }) => name === wanted)) {
    const names = COMMANDS.map(({ name }) => name);
    throw new SdmError(
      `Unknown command "${wanted}": ${
        didYouMean(wanted, names, 1) || `known ones: ${names.join(", ")}`
      }`,
      { hint: "sdm --help" },
    );
  }
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).description(entry.summary);
    if (entry.name !== wanted) continue;
    addCommonFlags(command, session);
    (await entry.load()).define(command, session);
  }
  return program;
}

/** commander's complaint as one of our sentences. */
function usageError(error: CommanderError, program: Command, argv: readonly string[]): SdmError {
  const name = wantedCommand(argv);
  const command = program.commands.find((c) => c.name() === name) ?? program;
  const title = command === program ? "sdm" : `sdm ${command.name()}`;
  const hint = `${title} --help`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  if (error.code === "commander.unknownOption") {
    const flag = quoted.replace(/=.*$/s, "");
    const known = command.options.map((option) => option.long ?? "");
    const refused = REFUSED.get(flag.replace(/^--/, "").replaceAll("-", "_"));
    const advice = refused ?? (didYouMean(flag, known, 1) || `"${hint}" lists the known ones`);
    return new SdmError(`Unknown option "${flag}" of "${title}": ${advice}`, { hint });
  }
  if (error.code === "commander.optionMissingArgument") {
    return new SdmError(`Cannot read option "${quoted}": it has no value, one is needed`, { hint });
  }
  if (error.code === "commander.missingArgument") {
    return new SdmError(`Cannot run "${title}": argument "${quoted}" is missing, it is needed`, {
      hint,
    });
  }
  if (error.code === "commander.missingMandatoryOptionValue") {
    return new SdmError(`Cannot run "${title}": option "${quoted}" is missing, it is needed`, {
      hint,
    });
  }
  const choice = /option '(\S+).*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/
    .exec(error.message);
  if (choice) {
    const [, flag, found, known] = choice;
    return new SdmError(
      `Cannot read option "${flag}": it is "${found}", one of ${known} is needed`,
      { hint },
    );
  }
  const count = /Expected (\d+) arguments? but got (\d+)/.exec(error.message);
  if (count) {
    const [most, given] = [Number(count[1]), Number(count[2])];
    const found = given === 1 ? "1 argument" : `${given} arguments`;
    const needed = most === 0 ? "none is needed" : `at most ${most} can be given`;
    return new SdmError(`Cannot run "${title}": it is given ${found}, ${needed}`, { hint });
  }
  return new SdmError(
    `Cannot run "${title}": ${error.message.replace(/^error: /, "").split("\n")[0]}`,
    { hint },
  );
}

function report(error: unknown, session: Session): number {
  if (error instanceof SdmError) {
    session.error(error.message);
    if (error.hint) session.error(`Hint: ${error.hint}`);
    return error.exitCode;
  }
  session.error(error instanceof Error && error.stack ? error.stack : messageOf(error));
  return 1;
}

/**
 * Runs the program.
 * @returns the exit code: 0, 1 for an unexpected error, 2 for bad input, 3 for a lost device, 130 for an interruption
 */
export async function run(host: Host): Promise<number> {
  const session = new Session(host);
  const argv = normaliseArgv(host.argv);
  let program: Command | undefined;
  try {
    program = await buildProgram(argv, session);
    await program.parseAsync(argv.length > 0 ? argv : ["--help"], { from: "user" });
    return session.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError) || !program) return report(error, session);
    if (error.exitCode === 0) return 0;
    return report(usageError(error, program, argv), session);
  }
}
