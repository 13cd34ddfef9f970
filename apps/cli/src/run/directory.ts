/** The directory of a run: its default name, its files, and when it may be written to. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ApoError } from '@apo/core';

export interface RunFiles {
  readonly directory: string;
  readonly metrics: string;
  readonly summary: string;
  readonly checkpoint: string;
  readonly report: string;
}

export function runFiles(directory: string): RunFiles {
  return {
    directory,
    metrics: join(directory, 'metrics.jsonl'),
    summary: join(directory, 'summary.json'),
    checkpoint: join(directory, 'checkpoint.apo'),
    report: join(directory, 'report.html'),
  };
}

/** `runs/<task>-<optimizer>-seed<N>-<time>`, the time in UTC to the second. */
export function defaultDirectory(task: string, optimizer: string, seed: number, now: Date): string {
  const time = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return join('runs', `${task}-${optimizer}-seed${seed}-${time}`);
}

/**
 * Whether a new run may be written to `directory`; changes nothing.
 * @throws ApoError `INVALID_ARGUMENT` when it holds a run and `force` is not given.
 */
export function requireFreeDirectory(directory: string, { force }: { readonly force: boolean }): RunFiles {
  const files = runFiles(directory);
  if (!force && contents(files).some((path) => existsSync(path))) {
    const state = existsSync(files.summary) ? 'a finished run' : 'an unfinished run';
    throw new ApoError(
      'INVALID_ARGUMENT',
      `${directory} holds ${state}; continue it with --resume, replace it with --force, or choose another --out.`,
    );
  }
  return files;
}

/** Makes the directory and removes the files of an earlier run; anything else in it stays. */
export function startDirectory(files: RunFiles): void {
  mkdirSync(files.directory, { recursive: true });
  for (const path of contents(files)) rmSync(path, { force: true });
}

/** Takes `startDirectory` back: a run that took no step is none. */
export function abandonDirectory(files: RunFiles): void {
  for (const path of contents(files)) rmSync(path, { force: true });
  if (readdirSync(files.directory).length === 0) rmdirSync(files.directory);
}

/**
 * Removes what says that the run in it has ended, since it goes on.
 * @throws ApoError `INVALID_ARGUMENT` when `taken` steps are more than the run is to have; nothing is removed then.
 */
export function continueDirectory(files: RunFiles, taken: number, steps: number): void {
  if (taken > steps) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `The run in ${files.directory} has already taken ${taken} steps, more than ${steps}; give --steps of at least ${taken}.`,
    );
  }
  for (const path of [files.summary, files.report]) rmSync(path, { force: true });
}

function contents({ metrics, summary, checkpoint, report }: RunFiles): string[] {
  return [metrics, summary, checkpoint, report];
}
