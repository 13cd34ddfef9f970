/** `apo run`: trains one task with one optimizer. Options in, an experiment, files and a report out. */
import { existsSync, readFileSync } from 'node:fs';
import { requireArgument } from '@apo/core';
import { findTask } from '@apo/tasks';
import { Option } from 'commander';
import type { Command } from 'commander';
import { writeFileAtomic } from '../atomic-file.js';
import { dataStore } from '../data.js';
import { activateEngine, engineNames } from '../engines.js';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import type { Io } from '../io.js';
import { optimizerNames } from '../optimizers/names.js';
import { checkOptimizerSettings } from '../optimizers/settings.js';
import { whole } from '../parse.js';
import { createProgress, progressKinds } from '../progress/progress.js';
import type { ProgressKind } from '../progress/progress.js';
import { runReport } from '../report/page.js';
import { describeSummary } from '../run/describe.js';
import { defaultDirectory, requireFreeDirectory, runFiles } from '../run/directory.js';
import type { RunFiles } from '../run/directory.js';
import { readCheckpointValues, runExperiment } from '../run/experiment.js';
import { readMetrics } from '../run/metrics.js';
import { parseLookahead, requireOneLength, resolveSettings, resumeSettings } from '../run/settings.js';
import type { RunSettings } from '../run/settings.js';
import { readSummary } from '../run/summary.js';
import type { CommandContext } from './command.js';
import { addOptimizerOptions } from './optimizer-options.js';

/** The settings that are options of the same name, and those that say how the command behaves. */
interface RunOptions extends Partial<Omit<RunSettings, 'task' | 'lookahead'>> {
  readonly lookahead?: string;
  readonly out?: string;
  readonly resume?: true;
  readonly force?: true;
  readonly progress: ProgressKind;
  readonly quiet?: true;
  readonly json?: true;
}

const defaults = { seed: 0, logEvery: 10, checkpointEvery: 500 } as const;

export function addRun(program: Command, context: CommandContext): void {
  const command = program
    .command('run')
    .summary('train a task with an optimizer')
    .description(
      'Trains TASK with an optimizer and writes metrics, a summary, a checkpoint and a report to DIR.',
    )
    .argument('<task>', 'name of a task; "apo list" shows them');
  addOptimizerOptions(command);
  command
    .option('--seed <n>', `seed of weights, order and dropout (default ${defaults.seed})`, whole(0))
    .option('--steps <n>', "last step (default: the task's)", whole(1))
    .option('--epochs <n>', 'passes over the training set, instead of --steps', whole(1))
    .option('--batch-size <n>', "examples in a batch (default: the task's)", whole(1))
    .addOption(
      new Option('--engine <name>', 'engine to compute on (default: the first that works)').choices(
        engineNames,
      ),
    )
    .option(
      '--threads <n>',
      'threads of the engine (default: the logical processors, on wasm at most 4; cpu has one)',
      whole(1),
    )
    .option('--out <dir>', 'directory to write to (default: runs/<task>-<optimizer>-seed<n>-<time>)')
    .option('--log-every <n>', `steps between two metrics lines (default ${defaults.logEvery})`, whole(1))
    .option(
      '--evaluate-every <n>',
      'steps between two evaluations on the test set (default: one epoch)',
      whole(1),
    )
    .option(
      '--checkpoint-every <n>',
      `steps between two checkpoints (default ${defaults.checkpointEvery})`,
      whole(1),
    )
    .option('--resume', 'continue the run in --out, bit for bit')
    .option('--force', 'replace an earlier run in --out')
    .addOption(new Option('--progress <kind>', 'how to show progress').choices(progressKinds).default('auto'))
    .option('--quiet', 'no progress, the same as --progress none')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', examples)
    .action((task: string, options: RunOptions) => run(task, options, context));
}

const examples = `
Examples:
  apo run mnist-mlp --optimizer sgd-apo
  apo run mnist-mlp-small --optimizer rmsprop --learning-rate 1e-3 --epochs 3 --seed 1
  apo run rosenbrock --optimizer sgd-apo --preset paper --learning-rate 1e-4 --out runs/valley
  apo run autoencoder-tiny --optimizer apo-precond
  apo run rosenbrock --optimizer apo-precond --form dense --steps 2000
  apo run mnist-mlp --resume --out runs/mnist --steps 1200`;

interface Plan {
  readonly settings: RunSettings;
  readonly files: RunFiles;
  readonly resume?: Uint8Array;
}

async function run(taskName: string, options: RunOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const task = findTask(taskName);
  const plan = planRun(taskName, options);
  checkOptimizerSettings(plan.settings);
  if (plan.resume !== undefined && endedAlready(plan, options, io)) return;
  const progress = createProgress(options.quiet === true ? 'none' : options.progress, io);
  const interrupt = new AbortController();
  const stopListening = io.onInterrupt(() => interrupt.abort());
  try {
    const { engine: name, threads } = plan.settings;
    const engine = await activateEngine(name, threads === undefined ? {} : { threads });
    if (engine.warning !== undefined) progress.note(`Warning: ${engine.warning}`);
    const instance = await task.load({
      seed: plan.settings.seed,
      store: dataStore((text) => progress.note(text)),
    });
    try {
      const settings = resolveSettings(
        { ...plan.settings, engine: name ?? engineNames.find((known) => known === engine.name)! },
        task,
        (batchSize) => instance.trainSource(0, batchSize).batchesPerEpoch,
      );
      const outcome = await runExperiment(settings, {
        task,
        instance,
        engine,
        files: plan.files,
        progress,
        signal: interrupt.signal,
        ...(plan.resume && { resume: plan.resume }),
      });
      if (outcome.status === 'interrupted') {
        context.finish(exitCode.interrupted);
        writeLine(
          io.stderr,
          `Interrupted after step ${outcome.step}; continue with: apo run ${taskName} --resume --out ${plan.files.directory}`,
        );
        return;
      }
      const { summary } = outcome;
      writeFileAtomic(plan.files.report, runReport({ summary, metrics: readMetrics(plan.files.metrics) }));
      writeLine(
        io.stdout,
        options.json === true ? JSON.stringify(summary) : describeSummary(summary, plan.files),
      );
      if (outcome.status === 'failed') {
        context.finish(exitCode.failure);
        writeLine(io.stderr, `apo: the run failed: ${summary.reason ?? 'the loss is not finite.'}`);
      }
    } finally {
      instance.dispose();
    }
  } finally {
    stopListening();
  }
}

/** The settings and the place of the run; reads the checkpoint of a resumed one. Writes nothing. */
function planRun(task: string, options: RunOptions): Plan {
  requireOneLength(options);
  const { out, resume, force } = options;
  const given = givenSettings(task, options);
  if (resume === true) {
    requireArgument(out !== undefined, () => '--resume continues the run in --out DIR; say which directory.');
    requireArgument(force !== true, () => '--resume and --force contradict each other; give one of them.');
    const files = runFiles(out);
    requireArgument(
      existsSync(files.checkpoint),
      () =>
        `${files.checkpoint} does not exist, so there is nothing to resume; start the run without --resume.`,
    );
    const bytes = readFileSync(files.checkpoint);
    return { settings: resumeSettings(readCheckpointValues(bytes).settings, given), files, resume: bytes };
  }
  const { optimizer } = given;
  requireArgument(
    optimizer !== undefined,
    () => `--optimizer is missing; expected one of ${optimizerNames.join(', ')}.`,
  );
  const complete = { ...defaults, ...given, optimizer };
  const directory = out ?? defaultDirectory(task, optimizer, complete.seed, new Date());
  return { settings: complete, files: requireFreeDirectory(directory, { force: force === true }) };
}

/** The options of the command line that are settings of the run. */
function givenSettings(task: string, options: RunOptions): Partial<RunSettings> & Pick<RunSettings, 'task'> {
  const { lookahead } = options;
  const behaviour: ReadonlySet<string> = new Set([
    'lookahead',
    'out',
    'resume',
    'force',
    'progress',
    'quiet',
    'json',
  ]);
  return {
    ...(Object.fromEntries(
      Object.entries(options).filter(([name]) => !behaviour.has(name)),
    ) as Partial<RunSettings>),
    task,
    ...(lookahead !== undefined && { lookahead: parseLookahead(lookahead) }),
  };
}

/** A finished run needs more steps to go on; without them its summary is all there is to say. */
function endedAlready({ settings, files }: Plan, options: RunOptions, io: Io): boolean {
  const summary = readSummary(files.directory);
  if (summary === undefined || settings.epochs !== undefined || summary.steps < (settings.steps ?? 0))
    return false;
  writeLine(
    io.stderr,
    `The run in ${files.directory} has already ended at step ${summary.steps}; give more --steps to go on.`,
  );
  writeLine(io.stdout, options.json === true ? JSON.stringify(summary) : describeSummary(summary, files));
  return true;
}
