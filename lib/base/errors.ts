/**
 * The one error class for things that a user can mend.
 *
 * Grammar of a message: `Cannot <action>: <what was found>, <what is needed>`, no final period, values
 * in double quotes, numbers with units. The optional hint is one command or setting that would help.
 * @module
 */

/** Options of an {@link SdmError}. */
export interface SdmErrorOptions {
  /** One command or setting that would help, printed on a line of its own. */
  hint?: string;
  /** The error underneath, if any. */
  cause?: unknown;
  /** Process exit code: 2 for bad input (default), 3 for a lost device, 130 for an interruption. */
  exitCode?: number;
}

/** A failure that the user can mend: bad input, a missing file, a full disk, a lost device. */
export class SdmError extends Error {
  /** Name of the class. */
  override readonly name: string = "SdmError";
  /** What to do about it, if one thing would help. */
  readonly hint?: string;
  /** Exit code that `main.ts` gives to the shell. */
  readonly exitCode: number;

  /** Makes an error from a message in the grammar of this module. */
  constructor(message: string, options: SdmErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 2;
  }
}

/** The adapter was lost, reset or removed while in use; what was checkpointed is intact. */
export class DeviceLostError extends SdmError {
  /** Name of the class. */
  override readonly name = "DeviceLostError";
  /** Makes the error with exit code 3, so that a supervisor can restart with `--resume`. */
  constructor(message: string, options: SdmErrorOptions = {}) {
    super(message, { exitCode: 3, ...options });
  }
}

/** An allocation on the adapter was refused. */
export class OutOfMemoryError extends SdmError {
  /** Name of the class. */
  override readonly name = "OutOfMemoryError";
}

/** The text of any thrown value, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A plain object that survives `postMessage` between workers; see {@link reviveError}. */
export interface PortableError {
  /** Name of the error class. */
  name: string;
  /** Message of the error. */
  message: string;
  /** Hint of an {@link SdmError}. */
  hint?: string;
  /** Exit code of an {@link SdmError}; absent for an unexpected error. */
  exitCode?: number;
  /** Stack, for unexpected errors. */
  stack?: string;
}

/** Turns any thrown value into a {@link PortableError}. */
export function portableError(error: unknown): PortableError {
  if (error instanceof SdmError) {
    return {
      name: error.name,
      message: error.message,
      hint: error.hint,
      exitCode: error.exitCode,
      stack: error.stack,
    };
  }
  if (error instanceof Error) {
    return { name: error.name, message: error.message, stack: error.stack };
  }
  return { name: "Error", message: String(error) };
}

/** Makes an error of the right class again from what {@link portableError} made. */
export function reviveError(portable: PortableError): Error {
  const options = { hint: portable.hint, exitCode: portable.exitCode };
  if (portable.name === "DeviceLostError") return new DeviceLostError(portable.message, options);
  if (portable.name === "OutOfMemoryError") return new OutOfMemoryError(portable.message, options);
  if (portable.exitCode !== undefined) return new SdmError(portable.message, options);
  const error = new Error(portable.message);
  if (portable.stack) error.stack = portable.stack;
  return error;
}
