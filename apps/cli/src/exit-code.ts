/** How a command ends: its exit code, and the one line that a failure leaves on stderr. */
import { isApoError } from '@apo/core';
import type { ApoErrorCode } from '@apo/core';

export const exitCode = {
  success: 0,
  failure: 1,
  /** Options that cannot be right; nothing was written. */
  usage: 2,
  /** Interrupted by the user: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

const usageCodes: ReadonlySet<ApoErrorCode> = new Set(['INVALID_ARGUMENT', 'UNSUPPORTED']);

/** `INVALID_ARGUMENT` and `UNSUPPORTED` come from options, everything else is a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  return isApoError(error) && usageCodes.has(error.code) ? exitCode.usage : exitCode.failure;
}

/** The message on one line; with `debug`, the stack and the causes. */
export function describeError(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  if (!debug) return oneLine(error.message);
  const cause = error.cause === undefined ? '' : `\ncaused by ${describeError(error.cause, true)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** Line breaks become single spaces. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
