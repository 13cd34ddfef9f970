/** The program `apo` as a function of its arguments and surroundings: parses, runs one command, and says the exit code. */
import { Command, CommanderError } from 'commander';
import { addBench } from './commands/bench.js';
import type { StartMeter } from './commands/bench.js';
import type { CommandContext } from './commands/command.js';
import { addDemo } from './commands/demo.js';
import { addDoctor } from './commands/doctor.js';
import { addList } from './commands/list.js';
import { addReport } from './commands/report.js';
import { addRun } from './commands/run.js';
import { addVerify } from './commands/verify.js';
import type { RunChild } from './demo/child-run.js';
import { describeError, exitCode, exitCodeOf, oneLine } from './exit-code.js';
import { writeLine } from './io.js';
import type { Io } from './io.js';

/** What a test puts in the place of child processes. */
export interface Processes {
  readonly startMeter?: StartMeter;
  readonly runChild?: RunChild;
}

/** Runs `apo ...args` and resolves to the exit code; it never rejects and never ends the process. */
export async function runProgram(
  args: readonly string[],
  io: Io,
  version: string,
  processes: Processes = {},
): Promise<number> {
  let code: number = exitCode.success;
  const context: CommandContext = {
    io,
    version,
    finish: (given) => {
      code = given;
    },
  };
  const program = createProgram(context, processes);
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Help and version are no errors; what commander refuses it has already said.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.success : exitCode.usage;
    writeLine(io.stderr, `apo: ${describeError(error, program.opts<{ debug?: true }>().debug === true)}`);
    return exitCodeOf(error);
  }
}

function createProgram(context: CommandContext, { startMeter, runChild }: Processes): Command {
  const { io, version } = context;
  const program = new Command('apo')
    .description(
      'Self-tuning optimizers for TensorFlow.js: Amortized Proximal Optimization (arXiv 2203.00089).',
    )
    .version(version, '-V, --version', 'print the version')
    .option('--debug', 'show the stack of an error')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(`apo: ${oneLine(text).replace(/^error: /, '')}\n`),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .addHelpText(
      'after',
      '\nExamples:\n  apo demo\n  apo run mnist-mlp --optimizer sgd-apo\n  apo list\n  apo doctor\n\nExit codes: 0 done, 1 failed, 2 bad options, 130 interrupted.',
    );
  addRun(program, context);
  addList(program, context);
  addDoctor(program, context);
  addBench(program, context, startMeter);
  addReport(program, context);
  addVerify(program, context);
  addDemo(program, context, runChild);
  return program;
}
