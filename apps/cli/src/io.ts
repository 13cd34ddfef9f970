/** What a command may touch of its surroundings: streams, environment, interrupts. Injected, so that tests run the program in-process. */

/** A stream to write to; a terminal says so by `isTTY`. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface Io {
  /** Results: tables, JSON, help. */
  readonly stdout: Output;
  /** Progress, warnings and errors. */
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path of the built program, for commands that start it again as a child process. */
  readonly script: string;
  /** Calls `listener` at the first interrupt (Ctrl-C); a second one ends the process. Returns the way to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

/** The process's own streams and signals. */
export function processIo(script: string): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    script,
    onInterrupt(listener) {
      process.once('SIGINT', listener);
      process.once('SIGTERM', listener);
      return () => {
        process.off('SIGINT', listener);
        process.off('SIGTERM', listener);
      };
    },
  };
}

/** One line to a stream. */
export function writeLine(stream: Output, line: string): void {
  stream.write(`${line}\n`);
}
