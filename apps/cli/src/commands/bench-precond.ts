/** `apo bench precond`: what the preconditioner costs in each of its forms, in time beside momentum and in memory. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { measureFormMeta, measureFormSteps, precondModels } from '../bench/precond-benchmark.js';
import type { PrecondModel } from '../bench/precond-benchmark.js';
import { addedMemory, shapesOf } from '../bench/precond-memory.js';
import { formMetaTable, formStepTable, memoryTable } from '../bench/precond-table.js';
import { benchForms } from '../bench/subject.js';
import type { BenchEngineName, BenchForm } from '../bench/subject.js';
import { cpuBackend } from '../engines.js';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import { namesOf, whole } from '../parse.js';
import type { StartMeter } from './bench.js';
import type { CommandContext } from './command.js';
import { gatherMeters } from './gather-meters.js';

interface BenchPrecondOptions {
  readonly engines: readonly BenchEngineName[];
  readonly models: readonly PrecondModel[];
  readonly forms: readonly BenchForm[];
  readonly meta: boolean;
  readonly rounds: number;
  readonly threads?: number;
  readonly json?: true;
}

/** Engines that can run it; the plain `cpu` one only on request. */
const engineNames = ['recomposed-wasm', 'wasm', 'node', 'cpu'] as const satisfies readonly BenchEngineName[];

const description = `Measures steps of the learned preconditioner in each of its forms beside momentum, round-robin in one run, and what a
meta-step in every tenth step adds under the safeguards of both presets, next to the same ratios of floating-point
operations; then lists what P adds to memory. Batches are synthetic. Each engine runs in a child process of its own. The full
form is slow and takes part in at most three rounds.`;

export function addBenchPrecond(bench: Command, { io, finish }: CommandContext, start: StartMeter): void {
  bench
    .command('precond')
    .summary('measure what the preconditioner costs in each of its forms')
    .description(description)
    .option('--engines <names>', `of ${engineNames.join(', ')}`, namesOf(engineNames), ['wasm'])
    .option('--models <names>', `of ${precondModels.join(', ')}`, namesOf(precondModels), [...precondModels])
    .option('--forms <names>', `of ${benchForms.join(', ')}`, namesOf(benchForms), [...benchForms])
    .option('--no-meta', 'leave out the cost of meta-steps')
    .option('--rounds <n>', 'measurements of which the median is shown', whole(1), 5)
    .option('--threads <n>', "threads of each engine (default: the engine's)", whole(1))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  apo bench precond --models mlp --forms low-rank,diagonal\n  apo bench precond --threads 2 --json',
    )
    .action(async (options: BenchPrecondOptions) => {
      const { engines, threads, models, forms, rounds } = options;
      const tell = (text: string): void => writeLine(io.stderr, text);
      const { meters, refused } = await gatherMeters(engines, threads, start, tell);
      try {
        // Shapes come from the networks themselves, which need some backend in this process.
        await cpuBackend().activate();
        const benchmark = { models, forms, rounds, shapesOf };
        const steps = await measureFormSteps(meters, benchmark, tell);
        const meta = options.meta ? await measureFormMeta(meters, benchmark, tell) : [];
        const memory = addedMemory(forms, shapesOf);
        const measured = meters.map(({ engine, threads: used }) => ({ engine, threads: used }));
        const processor = cpus()[0]?.model.trim() ?? 'unknown';
        const { node } = process.versions;
        if (options.json === true) {
          const run = { processor, node, rounds, syntheticData: true, engines: measured, refused };
          writeLine(io.stdout, JSON.stringify({ ...run, steps, meta, memory }, null, 2));
        } else {
          const used = measured.map((own) => `${own.engine} ${own.threads}`).join(', ');
          writeLine(io.stdout, `${processor}, Node ${node}; medians of ${rounds} rounds; synthetic batches.`);
          writeLine(io.stdout, `Threads: ${used}.`);
          if (steps.length > 0) writeLine(io.stdout, formStepTable(steps));
          if (meta.length > 0) writeLine(io.stdout, formMetaTable(meta));
          writeLine(io.stdout, memoryTable(memory));
          for (const { engine, reason } of refused) writeLine(io.stdout, `${engine} is left out: ${reason}`);
        }
        if (meters.length === 0) finish(exitCode.failure);
      } finally {
        for (const meter of meters) await meter.dispose();
      }
    });
}
