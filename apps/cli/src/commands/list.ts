/** `apo list`: the names that the other commands take. */
import { tasks } from '@apo/tasks';
import type { Command } from 'commander';
import { benchModels } from '../bench/models.js';
import { engineNames } from '../engines.js';
import { writeLine } from '../io.js';
import { defined } from '../optimizers/defined.js';
import { describeOptimizer, optimizerNames, parseOptimizerName, usualRate } from '../optimizers/names.js';
import type { CommandContext } from './command.js';

export function addList(program: Command, { io }: CommandContext): void {
  program
    .command('list')
    .summary('list tasks, optimizers and engines')
    .description('Lists the names of tasks, optimizers and engines.')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  apo list\n  apo list --json')
    .action(({ json }: { readonly json?: true }) => {
      const names = catalogue();
      writeLine(io.stdout, json === true ? JSON.stringify(names, null, 2) : describe(names));
    });
}

interface Named {
  readonly name: string;
  readonly description: string;
}

type Catalogue = Readonly<Record<'tasks' | 'optimizers' | 'engines' | 'benchModels', readonly Named[]>>;

function catalogue(): Catalogue {
  return {
    tasks: tasks.map(({ name, description, defaults }) => ({
      name,
      description,
      batchSize: defaults.batchSize,
      steps: defaults.steps,
    })),
    optimizers: optimizerNames.map((name) => {
      const { base } = parseOptimizerName(name);
      return {
        name,
        description: describeOptimizer(name),
        ...defined({ learningRate: usualRate(base) }),
      };
    }),
    engines: engineNames.map((name) => ({ name, description: engineDescriptions[name] })),
    benchModels: Object.entries(benchModels).map(([name, { title, batchSize }]) => ({
      name,
      description: `${title}, batch ${batchSize}`,
    })),
  };
}

const engineDescriptions: Readonly<Record<(typeof engineNames)[number], string>> = {
  cuda: 'libtensorflow on NVIDIA GPUs through @tensorflow/tfjs-node-gpu, where it is installed',
  node: 'libtensorflow through @tensorflow/tfjs-node, where it is installed',
  wasm: 'WebAssembly with SIMD',
  webgpu: 'a GPU through WebGPU; in Node through the npm package webgpu, where it is installed',
  cpu: 'plain JavaScript; slow, needs nothing',
};

function describe(names: Catalogue): string {
  const width = Math.max(...Object.values(names).flatMap((group) => group.map(({ name }) => name.length)));
  const titles = {
    tasks: 'Tasks',
    optimizers: 'Optimizers',
    engines: 'Engines',
    benchModels: 'Benchmark models',
  } as const;
  return (Object.keys(titles) as (keyof typeof titles)[])
    .map((group) => {
      const lines = names[group].map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`);
      return `${titles[group]}:\n${lines.join('\n')}`;
    })
    .join('\n\n');
}
