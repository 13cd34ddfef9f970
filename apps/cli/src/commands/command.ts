/** What every command gets from the program: its surroundings, the version, and the place for its exit code. */
import type { Io } from '../io.js';

export interface CommandContext {
  readonly io: Io;
  readonly version: string;
  /** Says how the program ends; success without it. */
  finish(code: number): void;
}
