/** `apo bench baselines`: what KFAC, EKFAC, Shampoo and the others cost beside momentum. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { measureBaselines } from '../bench/baseline-benchmark.js';
import { NEWTON_ITERATIONS, SOLVER_ITERATIONS } from '../bench/baseline-steps.js';
import { baselineTable } from '../bench/baseline-table.js';
import { benchModelNames } from '../bench/models.js';
import type { BenchModelName } from '../bench/models.js';
import type { BenchEngineName, Meter } from '../bench/subject.js';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import { baselineNames } from '../optimizers/names.js';
import type { BaselineName } from '../optimizers/names.js';
import { namesOf, whole } from '../parse.js';
import type { StartMeter } from './bench.js';
import type { CommandContext } from './command.js';
import { gatherMeters } from './gather-meters.js';

interface BenchBaselinesOptions {
  readonly engines: readonly BenchEngineName[];
  readonly models: readonly BenchModelName[];
  readonly optimizers: readonly BaselineName[];
  readonly rounds: number;
  readonly threads?: number;
  readonly json?: true;
}

/** Those that train with @apo/core; tfjs's own optimizers have no baselines. */
const engineNames = ['recomposed-wasm', 'wasm', 'node', 'cpu'] as const satisfies BenchEngineName[];

const description = `Measures the time of a training step of each baseline as a ratio to momentum's, in turn on the same network. A
measurement of kfac, ekfac and shampoo is made of whole intervals from one inversion to the next, at the defaults of
"apo run"; the share of inverses is what is saved when they are left out. Inverses run on the thread of the step. The
solvers take at most ${SOLVER_ITERATIONS} conjugate-gradient iterations a step, proximal-point ${NEWTON_ITERATIONS} times as many. A method that
fails has its reason below the table. Batches are synthetic. Decompositions of sides of 1,000 take seconds each, so
rounds are few.`;

export function addBenchBaselines(bench: Command, { io, finish }: CommandContext, start: StartMeter): void {
  bench
    .command('baselines')
    .summary('compare KFAC, EKFAC, Shampoo and others with momentum')
    .description(description)
    .option('--engines <names>', `of ${engineNames.join(', ')}`, namesOf(engineNames), ['wasm'])
    .option('--models <names>', `of ${benchModelNames.join(', ')}`, namesOf(benchModelNames), [
      'mlp',
      'autoencoder',
    ])
    .option('--optimizers <names>', `of ${baselineNames.join(', ')}`, namesOf(baselineNames), [
      ...baselineNames,
    ])
    .option('--rounds <n>', 'measurements of which the median is shown', whole(1), 3)
    .option('--threads <n>', "threads of each engine (default: the engine's)", whole(1))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  apo bench baselines --models mlp --optimizers kfac,shampoo\n  apo bench baselines --rounds 1 --json',
    )
    .action(async (options: BenchBaselinesOptions) => {
      const { engines, models, optimizers: methods, rounds, threads } = options;
      const tell = (text: string): void => writeLine(io.stderr, text);
      const { meters, refused } = await gatherMeters(engines, threads, start, tell);
      const restarted: Meter[] = [];
      const restart = async ({ engine }: Meter): Promise<(typeof meters)[number]> => {
        const meter = await start(engine, threads);
        restarted.push(meter);
        return meter;
      };
      try {
        const times = await measureBaselines(meters, { models, methods, rounds }, restart, tell);
        const measured = meters.map(({ engine, threads: used }) => ({ engine, threads: used }));
        const processor = cpus()[0]?.model.trim() ?? 'unknown';
        const { node } = process.versions;
        if (options.json === true) {
          const run = { processor, node, rounds, syntheticData: true, engines: measured, refused };
          writeLine(io.stdout, JSON.stringify({ ...run, times }, null, 2));
        } else {
          const used = measured.map((own) => `${own.engine} ${own.threads}`).join(', ');
          writeLine(io.stdout, `${processor}, Node ${node}; medians of ${rounds} rounds; synthetic batches.`);
          writeLine(io.stdout, `Threads: ${used}.`);
          if (times.length > 0) writeLine(io.stdout, baselineTable(times));
          for (const { engine, reason } of refused) writeLine(io.stdout, `${engine} is left out: ${reason}`);
        }
        if (meters.length === 0) finish(exitCode.failure);
      } finally {
        for (const meter of [...meters, ...restarted]) await meter.dispose();
      }
    });
}
