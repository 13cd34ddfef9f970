/** `apo run` in a child process: its progress as it goes, its summary at the end. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ApoError } from '@apo/core';
import type { ProgressState } from '../progress/state.js';
import { exitCode } from '../exit-code.js';

export interface ChildRunListener {
  readonly onProgress: (state: ProgressState) => void;
  readonly onNote: (text: string) => void;
}

/** How a child ended; a diverged run has `failure`. */
export type RunChild = (
  args: readonly string[],
  listener: ChildRunListener,
) => Promise<'finished' | 'failed' | 'interrupted'>;

/** Runs `script run …args`. Rejects with what the child wrote when it ends in any other way than a run can. */
export function childRun(script: string): RunChild {
  return (args, listener) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [script, 'run', ...args, '--progress', 'json', '--json'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const messages: string[] = [];
      createInterface({ input: child.stderr }).on('line', (line) => {
        const message = parse(line);
        if (message === undefined) messages.push(line);
        else if ('note' in message) listener.onNote(message.note);
        else listener.onProgress(message);
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (code === exitCode.success) resolve('finished');
        else if (code === exitCode.interrupted) resolve('interrupted');
        // A run that diverged has written its summary and says so; anything else has not.
        else if (
          code === exitCode.failure &&
          messages.some((text) => text.startsWith('apo: the run failed'))
        ) {
          resolve('failed');
        } else {
          const how = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
          const said = messages.length === 0 ? '' : `: ${messages.join(' ')}`;
          reject(new ApoError('BACKEND_UNAVAILABLE', `apo run ${args.join(' ')} ended with ${how}${said}`));
        }
      });
    });
}

function parse(line: string): ProgressState | { readonly note: string } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    if ('note' in value && typeof value.note === 'string') return { note: value.note };
    if ('step' in value && 'steps' in value) return value as ProgressState;
  } catch {
    // An ordinary line, for example of the engine.
  }
  return undefined;
}
