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

/** What each rule is, and its usual learning rate. */
export const ruleDescriptions: Readonly<
  Record<RuleName, { readonly title: string; readonly learningRate: number }>
> = {
  sgd: { title: 'stochastic gradient descent', learningRate: 0.01 },
  sgdm: { title: 'SGD with heavy-ball momentum', learningRate: 0.01 },
  rmsprop: { title: 'RMSprop', learningRate: 0.001 },
  adam: { title: 'Adam', learningRate: 0.001 },
  adamw: { title: 'Adam with decoupled weight decay', learningRate: 0.001 },
  precond: { title: 'SGD with a learned preconditioner', learningRate: 0.01 },
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
  const { title } = ruleDescriptions[base];
  if (base === 'precond') return title;
  return adapted ? `${title} that tunes its learning rate` : `${title} at a fixed learning rate`;
}
