#!/usr/bin/env node
/** The executable `apo`: the process's arguments and streams into the program, its exit code out. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { processIo } from './io.js';
import { runProgram } from './program.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// A reader that has seen enough (`apo list | head -1`) closes the pipe; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runProgram(
  process.argv.slice(2),
  processIo(fileURLToPath(import.meta.url)),
  version,
);
