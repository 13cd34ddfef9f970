/** The options of `apo run` for the optimizers of @apo/baselines. */
import { Option } from 'commander';
import type { Command } from 'commander';
import {
  dampingForms,
  fisherKinds,
  graftings,
  hypergradientBases,
  hypergradientUpdates,
  rootMethods,
  unsupportedChoices,
} from '../optimizers/baseline-settings.js';
import { fraction, nonNegative, positive, whole } from '../parse.js';

export function addBaselineOptions(command: Command): void {
  const choice = (flags: string, description: string, choices: readonly string[]): void => {
    command.addOption(new Option(flags, description).choices(choices));
  };
  command.option(
    '--damping <x>',
    'damping of kfac, ekfac (default 0.01), hessian-free (1), natural-gradient (0.1), gauss-newton (0.001), newton (0)',
    nonNegative,
  );
  choice('--damping-form <which>', 'how kfac adds it to the factors (default: factored)', dampingForms);
  command
    .option('--levenberg-marquardt', 'let the damping follow how well the model foretells the loss')
    .option('--no-levenberg-marquardt', 'keep it fixed (default but for hessian-free)')
    .option(
      '--kl-clip <x>',
      'bound on eta^2 <U, g> of kfac and ekfac, 0 for none (default 0.001)',
      nonNegative,
    );
  choice('--fisher <kind>', 'labels behind the Fisher of kfac and ekfac (default: sampled)', fisherKinds);
  command
    .option('--factor-decay <x>', 'kept part of the averages of kfac and ekfac (default 0.95)', fraction)
    .option('--factor-interval <n>', 'steps between two updates of these averages (default 5)', whole(1))
    .option(
      '--inverse-interval <n>',
      'steps between two inversions, a multiple of --factor-interval (default: four times)',
      whole(1),
    );
  choice(
    '--unsupported-layers <what>',
    'kfac and ekfac: refuse layers without a block, or give them a diagonal (default: error)',
    unsupportedChoices,
  );
  choice('--grafting <rule>', 'whose step length shampoo takes (default: sgd)', graftings);
  command
    .option('--beta2 <x>', 'kept part of the statistics of shampoo, 1 to add them up (default 1)', positive)
    .option('--epsilon <x>', 'added to their eigenvalues, relative (default 1e-6)', positive)
    .option('--root-exponent <p>', 'p in L^(-1/p) (default: twice the number of axes)', whole(1));
  choice('--root-method <how>', 'how roots are computed (default: eigen)', rootMethods);
  command
    .option('--root-interval <n>', 'steps between two computations of the roots (default 10)', whole(1))
    .option('--statistics-interval <n>', 'steps between two updates of the statistics (default 1)', whole(1))
    .option('--start-step <n>', 'first step that shampoo preconditions (default 1)', whole(1))
    .option(
      '--hypergradient-rate <x>',
      'rate of the learning rate (default 1e-4, multiplicative: 0.02)',
      nonNegative,
    );
  choice('--hypergradient-update <how>', 'how it moves (default: additive)', hypergradientUpdates);
  choice('--hypergradient-base <rule>', 'whose direction it scales (default: sgd)', hypergradientBases);
  command
    .option('--initial-distance <x>', 'first estimate of prodigy, far too small (default 1e-6)', positive)
    .option('--growth-rate <x>', 'most that its estimate grows by in a step (default: no limit)', positive)
    .option(
      '--inner-iterations <n>',
      'most conjugate-gradient iterations of a solve (default 100, hessian-free 250)',
      whole(1),
    )
    .option('--newton-iterations <n>', 'most such solves of a step of proximal-point (default 100)', whole(1))
    .option(
      '--line-search',
      'shorten steps of the solvers until the loss falls enough (default: hessian-free)',
    )
    .option('--no-line-search', 'take them as they are');
}
