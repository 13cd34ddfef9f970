/** The options of `apo run` that choose and shape an optimizer. */
import { precisions } from '@apo/core';
import { Option } from 'commander';
import type { Command } from 'commander';
import { optimizerNames } from '../optimizers/names.js';
import { learnedScales, preconditionerForms, warmupNames } from '../optimizers/settings.js';
import { fraction, nonNegative, positive, whole } from '../parse.js';
import { addBaselineOptions } from './baseline-options.js';

export function addOptimizerOptions(command: Command): void {
  command
    .addOption(
      new Option('--optimizer <name>', 'optimizer; those with apo in their name tune themselves').choices(
        optimizerNames,
      ),
    )
    .option(
      '--learning-rate <x>',
      'learning rate; with -apo where it starts (the preset auto finds its own start); with apo-precond the preconditioner starts at this times I',
      positive,
    )
    .option(
      '--momentum <x>',
      'momentum of sgdm, kfac, ekfac, shampoo (default 0.9), rmsprop or apo-precond (default 0)',
      fraction,
    )
    .option('--nesterov', "Nesterov's form, for sgdm")
    .option(
      '--weight-decay <x>',
      'decoupled decay of adamw (default 0.01), apo-precond and prodigy (0); part of the gradient for kfac, ekfac, shampoo (0)',
      nonNegative,
    )
    .addOption(
      new Option('--preset <name>', 'defaults of the meta-objective (default: auto)').choices([
        'auto',
        'paper',
      ]),
    )
    .option(
      '--lambda-fsd <x>',
      'weight of the function-space term (default 0.3; apo-precond: .03 + (step / 2000)² up to 10, paper 0.1; proximal-point: 1)',
      nonNegative,
    )
    .option(
      '--lambda-wsd <x>',
      'weight of the weight-space term (default 0; apo-precond under paper: 0.1; proximal-point: 1)',
      nonNegative,
    )
    .option(
      '--interval <k>',
      "steps between two meta-steps (default: the task's; apo-precond: 1, paper 10)",
      whole(1),
    )
    .option('--dense-steps <n>', 'meta-steps at each of the first n steps (auto: 20, paper: 0)', whole(0))
    .option(
      '--meta-learning-rate <x>',
      'rate at which log(learning rate) moves (default 0.1), or with apo-precond the preconditioner (0.001, paper 0.0001)',
      positive,
    )
    .option('--lookahead <how>', 'step, committed, or a factor')
    .option('--calibrate', 'find the first learning rate on the first batch (auto)')
    .option('--no-calibrate', 'start from --learning-rate')
    .option('--reject', 'undo meta-steps that make the objective worse (auto)')
    .option('--no-reject', 'keep every meta-step')
    .option('--backtrack', 'shorten the learning rate when its lookahead raises the objective (auto)')
    .option('--no-backtrack', 'leave that to the next meta-steps')
    .option(
      '--scale <x>',
      'multiplies every step, not the lookahead (default 1; apo-precond under paper: 0.9)',
      positive,
    )
    .option(
      '--warmup-steps <n>',
      'first steps taken by another optimizer (default 0; apo-precond under paper: 3000)',
      whole(0),
    )
    .addOption(new Option('--warmup-optimizer <name>', 'which one (default: sgdm)').choices(warmupNames))
    .option('--warmup-learning-rate <x>', 'its learning rate (default: the usual one)', positive)
    .addOption(
      new Option('--form <name>', 'form of the preconditioner (default: low-rank; paper: full)').choices(
        preconditionerForms,
      ),
    )
    .option('--rank <r>', 'rank of --form low-rank (default 16)', whole(1))
    .option('--block-size <n>', 'largest block of --form block (default 64)', whole(1))
    .option(
      '--max-block-size <n>',
      'longest side of --form full that gets a factor (default 4096); of shampoo, longer axes are cut (128)',
      whole(1),
    )
    .addOption(
      new Option(
        '--learned-scale <which>',
        'scale of the preconditioner (default: global; paper: none)',
      ).choices(learnedScales),
    )
    .option('--meta-beta2 <x>', "beta2 of the preconditioner's Adam (default 0.999)", fraction)
    .option('--meta-epsilon <x>', "epsilon of the preconditioner's Adam (default 1e-8)", positive)
    .addOption(
      new Option(
        '--precision <format>',
        'round weights, activations, gradients and the rule to 16 bits (default: float32)',
      ).choices(precisions),
    )
    .option('--master-copies', 'with --precision: weights and optimizer state stay in float32')
    .addOption(
      new Option('--fsd-batch <which>', 'batch of the function-space term').choices(['other', 'same']),
    )
    .addOption(new Option('--loss-batch <which>', 'batch of the loss term').choices(['same', 'other']));
  addBaselineOptions(command);
}
