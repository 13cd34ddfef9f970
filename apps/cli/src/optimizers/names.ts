/** Optimizers by the names of the command line: `sgd`, `sgdm`, `rmsprop`, `adam`, `adamw`, each with `-apo`, and `apo-precond`. */

export const baseNames = ['sgd', 'sgdm', 'rmsprop', 'adam', 'adamw'] as const;
export type BaseName = (typeof baseNames)[number];
export type OptimizerName = BaseName | `${BaseName}-apo` | 'apo-precond';
export const optimizerNames: readonly OptimizerName[] = [
  ...baseNames,
  ...baseNames.map((name) => `${name}-apo` as const),
  'apo-precond',
];

/** The rule behind a name. */
export type RuleName = BaseName | 'precond';

/** What each rule is. */
export const ruleTitles: Readonly<Record<RuleName, string>> = {
  sgd: 'stochastic gradient descent',
  sgdm: 'SGD with heavy-ball momentum',
  rmsprop: 'RMSprop',
  adam: 'Adam',
  adamw: 'Adam with decoupled weight decay',
  precond: 'SGD with a learned preconditioner',
};

/** The learning rate of each base optimizer when none is given. */
export const usualRates: Readonly<Record<BaseName, number>> = {
  sgd: 0.01,
  sgdm: 0.01,
  rmsprop: 0.001,
  adam: 0.001,
  adamw: 0.001,
};

/** `rmsprop` of `rmsprop-apo`, and whether it is adapted. */
export function parseOptimizerName(name: OptimizerName): {
  readonly base: RuleName;
  readonly adapted: boolean;
} {
  if (name === 'apo-precond') return { base: 'precond', adapted: true };
  const adapted = name.endsWith('-apo');
  return { base: (adapted ? name.slice(0, -'-apo'.length) : name) as BaseName, adapted };
}

/** One line for a list. */
export function describeOptimizer(name: OptimizerName): string {
  const { base, adapted } = parseOptimizerName(name);
  const title = ruleTitles[base];
  if (base === 'precond') return title;
  return adapted ? `${title} that tunes its learning rate` : `${title} at a fixed learning rate`;
}
