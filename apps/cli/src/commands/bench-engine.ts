/** `apo bench engine`: the engines beside each other on six networks, on matrix products and on parameter updates. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import {
  measureEngineSteps,
  measureProducts,
  measureUpdates,
  productShapes,
} from '../bench/engine-benchmark.js';
import type { Contestant } from '../bench/engine-benchmark.js';
import { engineStepTable, productTable, updateTable } from '../bench/engine-table.js';
import { benchModelNames, cpuModelNames } from '../bench/models.js';
import type { BenchModelName } from '../bench/models.js';
import { PeerMeter } from '../bench/peer-meter.js';
import { isDeviceEngine } from '../bench/subject.js';
import type { BenchEngineName } from '../bench/subject.js';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import { namesOf, whole, wholes } from '../parse.js';
import type { StartMeter } from './bench.js';
import type { CommandContext } from './command.js';

interface BenchEngineOptions {
  readonly engines: readonly BenchEngineName[];
  readonly models: readonly BenchModelName[];
  readonly threads: readonly number[];
  readonly products: boolean;
  readonly updates: boolean;
  readonly rounds: number;
  readonly peer?: string;
  readonly json?: true;
}

interface Refusal {
  readonly contestant: string;
  readonly reason: string;
}

/** Engines that this benchmark compares by default; the plain `cpu` one is out of the question. */
const processorEngines = [
  'stock-wasm',
  'recomposed-wasm',
  'wasm',
  'node',
] as const satisfies BenchEngineName[];
const engineNames = [
  ...processorEngines,
  'stock-webgpu',
  'webgpu',
  'cuda',
] as const satisfies BenchEngineName[];

/** A product or an update takes much less time than a step. */
const SECONDS = { steps: 0.25, parts: 0.05 };

const description = `Measures the engines round-robin in one run, each in a child process of its own: steps of momentum on six networks,
matrix products of several shapes with either operand transposed, and updates of 1.8 million parameters. Batches are
synthetic. "recomposed-wasm" is the engine wasm without its own SIMD code. A peer is a program that answers the same
questions; bench/peers/torch_step.py in the repository is one for PyTorch.`;

export function addBenchEngine(bench: Command, { io, finish }: CommandContext, start: StartMeter): void {
  bench
    .command('engine')
    .summary('compare the engines on networks, matrix products and updates')
    .description(description)
    .option('--engines <names>', `of ${engineNames.join(', ')}`, namesOf(engineNames), [...processorEngines])
    .option('--models <names>', `of ${benchModelNames.join(', ')}`, namesOf(benchModelNames), [
      ...cpuModelNames,
    ])
    .option(
      '--threads <numbers>',
      'of every engine on the processor but stock-wasm, a column each',
      wholes(1),
      [1, 2],
    )
    .option('--no-products', 'leave out matrix products')
    .option('--no-updates', 'leave out parameter updates')
    .option('--rounds <n>', 'measurements of which the median is shown', whole(1), 5)
    .option('--peer <command>', 'program to measure beside, with its arguments, separated by spaces')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  apo bench engine --models mlp,lenet --no-products\n  apo bench engine --peer "python3 bench/peers/torch_step.py --serve" --json',
    )
    .action(async (options: BenchEngineOptions) => {
      const { models, rounds } = options;
      const tell = (text: string): void => writeLine(io.stderr, text);
      const { contestants, refused } = await gather(options, start, tell);
      try {
        const steps = await measureEngineSteps(contestants, models, { rounds, seconds: SECONDS.steps }, tell);
        const parts = { rounds, seconds: SECONDS.parts };
        const products = options.products
          ? await measureProducts(contestants, productShapes, parts, tell)
          : [];
        const updates = options.updates
          ? await measureUpdates(contestants, ['momentum', 'adam'], parts, tell)
          : [];
        const processor = cpus()[0]?.model.trim() ?? 'unknown';
        const { node } = process.versions;
        const labels = contestants.map(({ label }) => label);
        if (options.json === true) {
          const columns = contestants.map(({ label, threads }) => ({ contestant: label, threads }));
          const result = {
            processor,
            node,
            rounds,
            syntheticData: true,
            contestants: columns,
            refused,
            steps,
            products,
            updates,
          };
          writeLine(io.stdout, JSON.stringify(result, null, 2));
        } else {
          const reference = labels.find((label) => label.startsWith('wasm')) ?? labels[0] ?? '';
          writeLine(io.stdout, `${processor}, Node ${node}; medians of ${rounds} rounds; synthetic batches.`);
          writeLine(io.stdout, `In parentheses: times ${reference}.`);
          if (steps.length > 0) writeLine(io.stdout, engineStepTable(steps, labels, reference));
          if (products.length > 0) writeLine(io.stdout, productTable(products, labels));
          if (updates.length > 0) writeLine(io.stdout, updateTable(updates, labels, reference));
          for (const { contestant, reason } of refused) {
            writeLine(io.stdout, `${contestant} is left out: ${reason}`);
          }
        }
        if (contestants.length === 0) finish(exitCode.failure);
      } finally {
        for (const { meter } of contestants) await meter.dispose();
      }
    });
}

/** Starts every engine with every number of threads that it can have, and the peer. */
async function gather(
  { engines, threads, peer }: BenchEngineOptions,
  start: StartMeter,
  tell: (text: string) => void,
): Promise<{ contestants: Contestant[]; refused: Refusal[] }> {
  const contestants: Contestant[] = [];
  const refused: Refusal[] = [];
  const attempt = async (contestant: string, make: () => Promise<Contestant>): Promise<void> => {
    try {
      contestants.push(await make());
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim().replace(/\s*\n\s*/g, ' ') : String(error);
      refused.push({ contestant, reason });
      tell(`${contestant} is left out: ${reason}`);
    }
  };
  for (const engine of engines) {
    if (isDeviceEngine(engine)) {
      await attempt(engine, async () => {
        const meter = await start(engine, undefined);
        return { label: engine, threads: meter.threads, meter };
      });
      continue;
    }
    const counts = engine === 'stock-wasm' ? [1] : threads;
    for (const count of counts) {
      const label = `${engine} ×${count}`;
      await attempt(label, async () => {
        const meter = await start(engine, count);
        if (meter.threads === count) return { label, threads: count, meter };
        await meter.dispose();
        throw new Error(`it runs on ${meter.threads} thread(s) here`);
      });
    }
  }
  if (peer !== undefined) {
    await attempt('peer', async () => {
      const meter = await PeerMeter.start(peer.trim().split(/\s+/));
      return { label: `${meter.name} ×${meter.threads}`, threads: meter.threads, meter };
    });
  }
  return { contestants, refused };
}
