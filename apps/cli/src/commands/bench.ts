/** `apo bench`: step times of the engines beside each other, and what meta-steps cost. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { Argument, Option } from 'commander';
import { activateBenchEngine } from '../bench/activate.js';
import { measureMeta, measureSteps } from '../bench/benchmark.js';
import { ChildMeter, serveMeter } from '../bench/child-meter.js';
import { LocalMeter } from '../bench/local-meter.js';
import { benchModelNames } from '../bench/models.js';
import type { BenchModelName } from '../bench/models.js';
import { benchEngineNames, benchRules } from '../bench/subject.js';
import type { BenchEngineName, BenchRule, Meter } from '../bench/subject.js';
import { metaTable, stepTable } from '../bench/table.js';
import { ApoError } from '@apo/core';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import { namesOf, whole } from '../parse.js';
import { addBenchBaselines } from './bench-baselines.js';
import { addBenchEngine } from './bench-engine.js';
import { addBenchGpu, benchGpu, givenGpuOptions, gpuBackends, gpuOptions } from './bench-gpu.js';
import type { BenchGpuOptions } from './bench-gpu.js';
import { addBenchPrecond } from './bench-precond.js';
import type { CommandContext } from './command.js';
import { gatherMeters } from './gather-meters.js';

interface BenchOptions {
  readonly engines: readonly BenchEngineName[];
  readonly models: readonly BenchModelName[];
  readonly rules: readonly BenchRule[];
  readonly metaModels: readonly BenchModelName[];
  readonly meta: boolean;
  readonly rounds: number;
  readonly threads?: number;
  readonly json?: true;
}

type StepsOptions = BenchOptions & Partial<BenchGpuOptions>;

/** Starts one meter per engine; injected by tests, which have no built program to start. */
export type StartMeter = (
  engine: BenchEngineName,
  threads: number | undefined,
) => Promise<Meter & { readonly threads: number }>;

const description = `Measures the time of a training step on each engine, round-robin in one run, and what meta-steps add to it.
Batches are synthetic, of the right shape: times do not depend on their content. Each engine runs in a child process of
its own. "stock-wasm" is tfjs-backend-wasm as published with tfjs's own optimizers; the others run @apo/core.`;

export function addBench(program: Command, context: CommandContext, startMeter?: StartMeter): void {
  const { io } = context;
  const start: StartMeter = startMeter ?? ((engine, threads) => ChildMeter.start(io.script, engine, threads));
  const benches = program
    .command('bench')
    .summary('measure step times of the engines, and what meta-steps cost')
    .description('Benchmarks. Without a name: steps.')
    .addHelpText(
      'after',
      '\nExamples:\n  apo bench --models mlp\n  apo bench engine\n  apo bench --backend webgpu\n  apo bench precond\n  apo bench baselines\n  apo help bench engine',
    );
  const steps = benches
    .command('steps', { isDefault: true })
    .summary('measure step times of the engines and the cost of meta-steps')
    .description(description)
    .option(
      '--engines <names>',
      `of ${benchEngineNames.join(', ')} (cpu only on request)`,
      namesOf(benchEngineNames),
      ['stock-wasm', 'wasm', 'node'],
    )
    .option('--models <names>', `of ${benchModelNames.join(', ')}`, namesOf(benchModelNames), [
      'mlp',
      'autoencoder',
      'lenet',
    ])
    .option('--rules <names>', `of ${benchRules.join(', ')}`, namesOf(benchRules), [...benchRules])
    .option('--meta-models <names>', 'networks on which meta-steps are measured', namesOf(benchModelNames), [
      'mlp',
    ])
    .option('--no-meta', 'leave out the cost of meta-steps')
    .option('--rounds <n>', 'measurements of which the median is shown', whole(1), 5)
    .option('--threads <n>', "threads of each engine (default: the engine's)", whole(1))
    .option('--json', 'print JSON')
    .addOption(
      new Option('--backend <name>', 'a GPU engine: "apo bench gpu", whose options follow').choices(
        gpuBackends,
      ),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  apo bench steps\n  apo bench --engines wasm,cpu --models mlp --no-meta --rounds 3\n  apo bench --backend webgpu',
    );
  gpuOptions(steps).action((options: StepsOptions) => {
    const { backend, models, rounds, ...others } = options;
    if (backend === undefined) {
      refuseGpuOptions(givenGpuOptions(steps));
      return bench(options, context, start);
    }
    // The defaults of "steps" are not those of "gpu".
    const isGiven = (name: string): boolean => steps.getOptionValueSource(name) === 'cli';
    return benchGpu(
      { ...others, backend, ...(isGiven('models') && { models }), ...(isGiven('rounds') && { rounds }) },
      context,
      start,
    );
  });
  addBenchGpu(benches, context, start);
  addBenchEngine(benches, context, start);
  addBenchPrecond(benches, context, start);
  addBenchBaselines(benches, context, start);

  program
    .command('bench-meter', { hidden: true })
    .addArgument(new Argument('<engine>').choices(benchEngineNames))
    .option('--threads <n>', 'threads', whole(1))
    .action((engine: BenchEngineName, options: { readonly threads?: number }) =>
      serveMeter(async () => {
        const { threads, device } = await activateBenchEngine(engine, options);
        return { meter: new LocalMeter(engine, device), threads };
      }),
    );
}

function refuseGpuOptions(names: readonly string[]): void {
  if (names.length === 0) return;
  throw new ApoError(
    'INVALID_ARGUMENT',
    `${names.join(', ')} belong to a benchmark of a GPU engine; add --backend ${gpuBackends.join(' or --backend ')}, or use "apo bench gpu".`,
  );
}

async function bench(
  options: BenchOptions,
  { io, finish }: CommandContext,
  start: StartMeter,
): Promise<void> {
  const { engines, models, rules, rounds, threads } = options;
  const metaModels = options.meta ? options.metaModels : [];
  const tell = (text: string): void => writeLine(io.stderr, text);
  const { meters, refused } = await gatherMeters(engines, threads, start, tell);
  try {
    const benchmark = { models, rules, rounds, metaModels };
    const steps = await measureSteps(meters, benchmark, tell);
    const meta = await measureMeta(meters, benchmark, tell);
    const measured = meters.map(({ engine, threads: used }) => ({ engine, threads: used }));
    const processor = cpus()[0]?.model.trim() ?? 'unknown';
    const { node } = process.versions;
    if (options.json === true) {
      const result = {
        processor,
        node,
        rounds,
        syntheticData: true,
        engines: measured,
        refused,
        steps,
        meta,
      };
      writeLine(io.stdout, JSON.stringify(result, null, 2));
    } else {
      const names = measured.map(({ engine }) => engine);
      const reference = names.includes('wasm') ? 'wasm' : (names[0] ?? 'wasm');
      writeLine(io.stdout, `${processor}, Node ${node}; medians of ${rounds} rounds; synthetic batches.`);
      writeLine(
        io.stdout,
        `Threads: ${measured.map((m) => `${m.engine} ${m.threads}`).join(', ')}. In parentheses: times ${reference}.`,
      );
      writeLine(io.stdout, stepTable(steps, names, reference));
      if (meta.length > 0) writeLine(io.stdout, metaTable(meta));
      for (const { engine, reason } of refused) writeLine(io.stdout, `${engine} is left out: ${reason}`);
    }
    if (meters.length === 0) finish(exitCode.failure);
  } finally {
    for (const meter of meters) await meter.dispose();
  }
}
