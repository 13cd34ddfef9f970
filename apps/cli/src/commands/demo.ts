/** `apo demo`: the main job of the project, on real MNIST: a table, two charts and a report. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Option } from 'commander';
import type { Command } from 'commander';
import { findTask } from '@apo/tasks';
import { writeFileAtomic } from '../atomic-file.js';
import { childRun } from '../demo/child-run.js';
import type { RunChild } from '../demo/child-run.js';
import { demoRuns, makeRuns } from '../demo/demo.js';
import { engineNames } from '../engines.js';
import type { EngineName } from '../engines.js';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import type { Io } from '../io.js';
import { whole } from '../parse.js';
import { createRunsProgress } from '../progress/runs-progress.js';
import { comparisonHeader, comparisonReport, comparisonRow } from '../report/page.js';
import { requireFreeDirectory } from '../run/directory.js';
import { terminalChart } from '../terminal-chart.js';
import type { CommandContext } from './command.js';
import { readRun } from './report.js';

interface DemoCommandOptions {
  readonly task: string;
  readonly steps?: number;
  readonly seed: number;
  readonly engine?: EngineName;
  readonly out?: string;
}

const description = `Trains the same network four times, one epoch each: RMSprop at a usual fixed rate and RMSprop-APO, SGD at a badly
chosen rate and SGD-APO started from that same rate. Then shows a table, charts of loss and learning rate, and where the
report is. This is what "npm start" runs.`;

export function addDemo(program: Command, context: CommandContext, runChild?: RunChild): void {
  program
    .command('demo')
    .summary('train with fixed and with self-tuning learning rates and compare (npm start)')
    .description(description)
    .option('--task <name>', 'task to train', 'mnist-mlp')
    .option('--steps <n>', 'steps of each run (default: one epoch)', whole(1))
    .option('--seed <n>', 'seed of all runs', whole(0), 0)
    .addOption(
      new Option('--engine <name>', 'engine to compute on (default: the first that works)').choices(
        engineNames,
      ),
    )
    .option('--out <dir>', 'directory to write to (default: runs/demo-<time>)')
    .addHelpText(
      'after',
      '\nExamples:\n  apo demo\n  apo demo --task mnist-mlp-small --seed 1 --out runs/small',
    )
    .action((options: DemoCommandOptions) => demo(options, context, runChild ?? childRun(context.io.script)));
}

async function demo(
  options: DemoCommandOptions,
  { io, finish }: CommandContext,
  runChild: RunChild,
): Promise<void> {
  const { task, steps, seed, engine } = options;
  findTask(task);
  const directory =
    options.out ?? join('runs', `demo-${new Date().toISOString().slice(0, 19).replace(/\W/g, '')}`);
  for (const { folder } of demoRuns) requireFreeDirectory(join(directory, folder), { force: false });
  const cores = availableParallelism();
  const concurrency = Math.min(2, cores);
  const progress = createRunsProgress(
    io,
    demoRuns.map(({ name }) => name),
  );
  // Children are interrupted together with this process and save their checkpoints; wait for them.
  const stopListening = io.onInterrupt(() => undefined);
  writeLine(
    io.stdout,
    `${task}, ${steps === undefined ? 'one epoch' : `${steps} steps`} each: fixed learning rates, and rates that tune themselves.`,
  );
  let end;
  try {
    const plan = {
      task,
      steps,
      seed,
      engine,
      directory,
      concurrency,
      threads: Math.max(1, Math.floor(cores / concurrency)),
    };
    end = await makeRuns(plan, runChild, { onProgress: progress.update, onNote: progress.note });
  } finally {
    progress.stop();
    stopListening();
  }
  if (end === 'interrupted') {
    finish(exitCode.interrupted);
    writeLine(io.stderr, `Interrupted; each run's checkpoint is in ${directory}.`);
    return;
  }
  show(directory, task, io);
}

function show(directory: string, task: string, io: Io): void {
  const runs = demoRuns.map(({ name, folder }) => ({ name, ...readRun(join(directory, folder)) }));
  const table = new Table({
    head: [...comparisonHeader],
    style: { head: [], border: [] },
    colAligns: comparisonHeader.map((_, i) => (i === 0 ? ('left' as const) : ('right' as const))),
  });
  table.push(...runs.map(comparisonRow));
  const color = io.stdout.isTTY === true && io.environment['NO_COLOR'] === undefined;
  const size = { columns: Math.min(100, io.stdout.columns ?? 80), rows: 12, color };
  const report = join(directory, 'report.html');
  writeFileAtomic(report, comparisonReport(`Self-tuning learning rates: ${task}`, runs));
  writeLine(io.stdout, `\n${table.toString()}`);
  for (const [title, field] of [
    ['training loss', 'loss'],
    ['learning rate', 'learningRate'],
  ] as const) {
    writeLine(io.stdout, `\n${terminalChart(title, runs, field, size)}`);
  }
  writeLine(io.stdout, `\nReport: ${report}`);
}
