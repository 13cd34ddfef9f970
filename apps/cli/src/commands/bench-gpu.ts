/** `apo bench gpu`, and `apo bench --backend webgpu`: a GPU engine with our kernels and without, and a peer beside it. */
import { cpus } from 'node:os';
import { Option } from 'commander';
import type { Command } from 'commander';
import { productTable } from '../bench/engine-table.js';
import type { Contestant } from '../bench/engine-benchmark.js';
import { gpuOptimizers, measureGpu, META_INTERVAL } from '../bench/gpu-benchmark.js';
import type { GpuOptimizer } from '../bench/gpu-benchmark.js';
import {
  gpuCountTable,
  gpuMetaTable,
  gpuStepTable,
  kernelTable,
  updateCountTable,
} from '../bench/gpu-table.js';
import { LimitedMeter } from '../bench/limited-meter.js';
import { benchModelNames, benchScales } from '../bench/models.js';
import type { BenchModelName, BenchScale } from '../bench/models.js';
import { PeerMeter } from '../bench/peer-meter.js';
import type { BenchEngineName, DeviceFacts } from '../bench/subject.js';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import { namesOf, positive, whole } from '../parse.js';
import type { StartMeter } from './bench.js';
import type { CommandContext } from './command.js';

export const gpuBackends = ['webgpu', 'cuda'] as const;
export type GpuBackend = (typeof gpuBackends)[number];

export interface BenchGpuOptions {
  readonly backend: GpuBackend;
  readonly models?: readonly BenchModelName[];
  readonly optimizers?: readonly GpuOptimizer[];
  readonly scale?: BenchScale;
  readonly products?: boolean;
  readonly kernels?: boolean;
  readonly rounds?: number;
  readonly timeLimit?: number;
  readonly peakTflops?: number;
  readonly peer?: string;
  readonly json?: true;
}

interface Refusal {
  readonly contestant: string;
  readonly reason: string;
}

const models = ['mlp', 'autoencoder', 'lenet', 'resnet18', 'transformer'] as const;

/** Full networks are for a GPU; a software renderer takes minutes for a step of some. */
const defaults = {
  full: { rounds: 5, seconds: 0.5, timeLimit: 120 },
  small: { rounds: 1, seconds: 0.25, timeLimit: 60 },
} as const;

const description = `Measures a GPU engine in one run with the kernels of @apo/backend-webgpu and with the published ones ("stock-webgpu"), each
in a process of its own: square matrix products, training steps of five networks, what a meta-step in every
${META_INTERVAL}th step adds, and what a step asks of the device (dispatches, bytes bound and copied, read-backs). On a software
renderer the networks are smaller ones of the same kinds, which the output says. Batches are synthetic. With a real GPU:
  apo bench --backend webgpu --peak-tflops 67 --peer "python3 bench/peers/torch_step.py --serve --device cuda"`;

/** Names of the options that `gpuOptions` declares. */
const ownOptions = ['optimizers', 'scale', 'timeLimit', 'peakTflops', 'peer', 'products', 'kernels'] as const;

/** The options that `apo bench gpu` and `apo bench --backend` share, but for those that `apo bench` has anyway. */
export function gpuOptions(command: Command): Command {
  return command
    .option('--optimizers <names>', `of ${gpuOptimizers.join(', ')}`, namesOf(gpuOptimizers))
    .addOption(
      new Option('--scale <name>', 'of the networks (default: small on a software renderer)').choices(
        benchScales,
      ),
    )
    .option(
      '--time-limit <seconds>',
      'of each measurement; what takes longer is given up (default: 120, small 60)',
      positive,
    )
    .option('--peak-tflops <number>', "the device's float32 peak, of which products reach a part", positive)
    .option('--peer <command>', 'program to measure beside, with its arguments, separated by spaces')
    .option('--no-products', 'leave out matrix products')
    .option('--no-kernels', 'leave out the comparison of single kernels');
}

/** Those of `gpuOptions` that the user gave. */
export function givenGpuOptions(command: Command): string[] {
  return ownOptions.filter((name) => command.getOptionValueSource(name) === 'cli');
}

export function addBenchGpu(bench: Command, context: CommandContext, start: StartMeter): void {
  const command = bench
    .command('gpu')
    .summary('compare a GPU engine with and without our kernels')
    .description(description)
    .addOption(new Option('--backend <name>', 'GPU engine').choices(gpuBackends).default('webgpu'))
    .option(
      '--models <names>',
      `of ${benchModelNames.join(', ')} (default: ${models.join(',')})`,
      namesOf(benchModelNames),
    )
    .option('--rounds <n>', 'measurements of which the median is shown (default: 5, small 1)', whole(1))
    .option('--json', 'print JSON');
  gpuOptions(command).action((options: BenchGpuOptions) => benchGpu(options, context, start));
}

export async function benchGpu(
  options: BenchGpuOptions,
  { io, finish }: CommandContext,
  start: StartMeter,
): Promise<void> {
  const tell = (text: string): void => writeLine(io.stderr, text);
  const { contestants, refused, device, scale, timeLimit } = await gather(options, start, tell);
  const { rounds = defaults[scale].rounds, peakTflops } = options;
  try {
    const processor = cpus()[0]?.model.trim() ?? 'unknown';
    const { node } = process.versions;
    tell(scaleSentence(scale, device, options.scale));
    const results =
      contestants.length === 0
        ? { products: [], steps: [], updates: [], kernels: [] }
        : await measureGpu(
            contestants,
            {
              models: options.models ?? models,
              optimizers: options.optimizers ?? gpuOptimizers,
              scale,
              rounds,
              seconds: defaults[scale].seconds,
              products: options.products ?? true,
              kernels: options.kernels ?? true,
            },
            tell,
          );
    const labels = contestants.map(({ label }) => label);
    if (options.json === true) {
      const run = {
        processor,
        node,
        device,
        scale,
        rounds,
        timeLimit,
        ...(peakTflops !== undefined && { peakTflops }),
        syntheticData: true,
        contestants: labels,
        refused,
      };
      writeLine(io.stdout, JSON.stringify({ ...run, ...results }, null, 2));
    } else if (contestants.length > 0) {
      const reference = labels[0]!;
      const say = (text: string): void => writeLine(io.stdout, text);
      const { products, steps, updates, kernels, kernelReason } = results;
      say(
        `${device?.name ?? 'no device'}; ${processor}, Node ${node}; medians of ${rounds} round(s); synthetic batches.`,
      );
      say(scaleSentence(scale, device, options.scale));
      if (products.length > 0) {
        if (peakTflops !== undefined)
          say(`In parentheses: part of the float32 peak of ${peakTflops} TFLOP/s.`);
        say(productTable(products, labels, peakTflops));
      }
      say(`In parentheses: times ${reference}.`);
      say(gpuStepTable(steps, labels, reference, scale));
      if (steps.some(({ metaRatio }) => metaRatio !== undefined)) say(gpuMetaTable(steps, labels, scale));
      if (steps.some(({ counts }) => counts !== undefined)) say(gpuCountTable(steps, scale));
      if (updates.some(({ dispatches }) => dispatches !== undefined)) {
        say(
          updateCountTable(
            updates,
            labels,
            labels.find((label) => label.startsWith('stock')) ?? reference,
            scale,
          ),
        );
      }
      if (kernels.length > 0) say(kernelTable(kernels));
      if (kernelReason !== undefined) say(`Kernels are not compared: ${kernelReason}`);
    }
    if (options.json !== true) {
      for (const { contestant, reason } of refused)
        writeLine(io.stdout, `${contestant} is left out: ${reason}`);
    }
    if (contestants.length === 0) finish(exitCode.failure);
  } finally {
    for (const { meter } of contestants) await meter.dispose();
  }
}

function scaleSentence(
  scale: BenchScale,
  device: DeviceFacts | undefined,
  asked: BenchScale | undefined,
): string {
  if (scale === 'full') return 'Full networks.';
  return asked === undefined && device?.software === true
    ? `Small networks, because ${device.name} is a software renderer; --scale full measures the full ones. Its times say nothing about a GPU.`
    : 'Small networks.';
}

interface Gathered {
  readonly contestants: Contestant[];
  readonly refused: Refusal[];
  readonly device: DeviceFacts | undefined;
  readonly scale: BenchScale;
  readonly timeLimit: number;
}

/** Our engine, the published one, and the peer. */
async function gather(
  { backend, scale: asked, timeLimit: given, peer }: BenchGpuOptions,
  start: StartMeter,
  tell: (text: string) => void,
): Promise<Gathered> {
  const engines: readonly BenchEngineName[] = backend === 'webgpu' ? ['webgpu', 'stock-webgpu'] : ['cuda'];
  const refused: Refusal[] = [];
  const started: { engine: BenchEngineName; meter: Awaited<ReturnType<StartMeter>> }[] = [];
  const attempt = async <T>(contestant: string, make: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await make();
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim().replace(/\s*\n\s*/g, ' ') : String(error);
      refused.push({ contestant, reason });
      tell(`${contestant} is left out: ${reason}`);
      return undefined;
    }
  };
  for (const engine of engines) {
    const meter = await attempt(engine, () => start(engine, undefined));
    if (meter !== undefined) started.push({ engine, meter });
  }
  const device = started.find(({ meter }) => meter.device !== undefined)?.meter.device;
  const scale = asked ?? (device?.software === true ? 'small' : 'full');
  const timeLimit = given ?? defaults[scale].timeLimit;
  const contestants: Contestant[] = started.map(({ engine, meter }) => ({
    label: engine,
    threads: 1,
    meter: new LimitedMeter(meter, () => start(engine, undefined), timeLimit),
  }));
  // A peer alone has nothing to be compared with.
  if (peer !== undefined && contestants.length > 0) {
    const meter = await attempt('peer', () => PeerMeter.start(peer.trim().split(/\s+/)));
    if (meter !== undefined) contestants.push({ label: meter.name, threads: meter.threads, meter });
  }
  return { contestants, refused, device, scale, timeLimit };
}
