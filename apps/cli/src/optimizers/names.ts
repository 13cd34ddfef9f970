/** Optimizers by the names of the command line: `sgd`, `sgdm`, `rmsprop`, `adam`, `adamw`, each with `-apo`, `apo-precond`, and those of @apo/baselines. */

export const baseNames = ['sgd', 'sgdm', 'rmsprop', 'adam', 'adamw'] as const;
export type BaseName = (typeof baseNames)[number];

/** What they are compared with. */
export const baselineNames = [
  'kfac',
  'ekfac',
  'shampoo',
  'hypergradient',
  'prodigy',
  'hessian-free',
  'natural-gradient',
  'gauss-newton',
  'newton',
  'proximal-point',
] as const;
export type BaselineName = (typeof baselineNames)[number];

export type OptimizerName = BaseName | `${BaseName}-apo` | 'apo-precond' | BaselineName;
export const optimizerNames: readonly OptimizerName[] = [
  ...baseNames,
  ...baseNames.map((name) => `${name}-apo` as const),
  'apo-precond',
  ...baselineNames,
];

/** The rule behind a name. */
export type RuleName = BaseName | 'precond';

/** The rule behind a name, or a method that is not made of one. */
export type MethodName = RuleName | BaselineName;

/** What each method is. */
export const methodTitles: Readonly<Record<MethodName, string>> = {
  sgd: 'stochastic gradient descent',
  sgdm: 'SGD with heavy-ball momentum',
  rmsprop: 'RMSprop',
  adam: 'Adam',
  adamw: 'Adam with decoupled weight decay',
  precond: 'SGD with a learned preconditioner',
  kfac: 'preconditioning by Kronecker factors of the Fisher matrix',
  ekfac: "KFAC's eigenbasis with second moments of its own",
  shampoo: 'preconditioning by the roots of second moments along each axis',
  hypergradient: 'SGD whose learning rate descends along the product of successive gradients',
  prodigy: 'Adam that estimates its step length from the distance travelled',
  'hessian-free': 'conjugate gradients on the Gauss-Newton matrix, damping adapted',
  'natural-gradient': 'the gradient times the inverse Fisher matrix, by conjugate gradients',
  'gauss-newton': 'the minimiser of the damped Gauss-Newton model, by conjugate gradients',
  newton: 'the minimiser of the damped second-order model, by conjugate gradients',
  'proximal-point': 'the minimiser of the proximal objective itself (Eq. 3)',
};

/** Damping or λ stands in the place of a learning rate for the others. */
type RatedBaseline = Exclude<BaselineName, 'hessian-free' | 'gauss-newton' | 'newton' | 'proximal-point'>;

/** The learning rate of each optimizer that has one, when none is given. */
export const usualRates: Readonly<Record<BaseName | RatedBaseline, number>> = {
  sgd: 0.01,
  sgdm: 0.01,
  rmsprop: 0.001,
  adam: 0.001,
  adamw: 0.001,
  kfac: 0.1,
  ekfac: 0.1,
  shampoo: 0.01,
  hypergradient: 0.01,
  prodigy: 1,
  'natural-gradient': 1,
};

/** `undefined` for a baseline without a learning rate, and for the preconditioner, which has another default. */
export function usualRate(method: MethodName): number | undefined {
  return (usualRates as Readonly<Partial<Record<MethodName, number>>>)[method];
}

/** Whether a method is one of @apo/baselines. */
export function isBaseline(name: string): name is BaselineName {
  return (baselineNames as readonly string[]).includes(name);
}

/** `rmsprop` of `rmsprop-apo`, and whether it is adapted. */
export function parseOptimizerName(name: OptimizerName): {
  readonly base: MethodName;
  readonly adapted: boolean;
} {
  if (isBaseline(name)) return { base: name, adapted: false };
  if (name === 'apo-precond') return { base: 'precond', adapted: true };
  const adapted = name.endsWith('-apo');
  return { base: (adapted ? name.slice(0, -'-apo'.length) : name) as BaseName, adapted };
}

/** One line for a list. */
export function describeOptimizer(name: OptimizerName): string {
  const { base, adapted } = parseOptimizerName(name);
  const title = methodTitles[base];
  if (base === 'precond' || isBaseline(base)) return title;
  return adapted ? `${title} that tunes its learning rate` : `${title} at a fixed learning rate`;
}
