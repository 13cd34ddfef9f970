/** The program run in-process: its streams collected, an interrupt on demand, a folder that is removed afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { Io, Output } from '../io.js';
import { runProgram } from '../program.js';
import type { Processes } from '../program.js';

class Collector extends Writable {
  text = '';

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, callback: () => void): void {
    this.text += chunk.toString();
    callback();
  }
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly processes?: Processes;
  /** Gets what `onInterrupt` was given, once the program listens. */
  readonly onListening?: (interrupt: () => void) => void;
  /** Hears each piece of stderr as it is written. */
  readonly onStderr?: (text: string) => void;
}

/** Runs `apo ...args`. */
export async function apo(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const stdout = new Collector();
  const stderr = new Collector();
  const { onStderr } = options;
  const io: Io = {
    stdout: stdout as Output,
    stderr: (onStderr ? tee(stderr, onStderr) : stderr) as Output,
    environment: {},
    script: 'unused',
    onInterrupt(listener) {
      options.onListening?.(listener);
      return () => undefined;
    },
  };
  const code = await runProgram(args, io, '1.2.3', options.processes);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

function tee(target: Collector, listener: (text: string) => void): Writable {
  return new Writable({
    write(chunk: Buffer | string, _encoding, callback) {
      target.write(chunk);
      listener(chunk.toString());
      callback();
    },
  });
}

/** Runs `body` with a fresh folder. */
export async function inFolder<T>(body: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'apo-cli-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
