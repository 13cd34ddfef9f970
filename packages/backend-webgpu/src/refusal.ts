/** Why WebGPU cannot be used here and what to do about it, as `probe` reports it and as `activate` throws it. */
import { ApoError } from '@apo/core';

export interface Refusal {
  /** One sentence. */
  readonly reason: string;
  /** One sentence. */
  readonly remedy: string;
  readonly cause?: unknown;
}

export function refusalError({ reason, remedy, cause }: Refusal): ApoError {
  return new ApoError(
    'BACKEND_UNAVAILABLE',
    `${reason} ${remedy}`,
    cause === undefined ? undefined : { cause },
  );
}

/** The first line of what was thrown. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.replace(/\.$/, '');
}
