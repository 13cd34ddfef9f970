/** Table 1 and App. F: one step of each classical method, taken by the proximal solver, against its textbook formula from dense matrices in float64. */
import { basePass, predictions, proximalGradient } from '@apo/core';
import type { LossName, Objective, SupervisedBatch } from '@apo/core';
import { Matrix } from 'ml-matrix';
import { ParameterSpace } from '../curvature/parameter-space.js';
import { scoped } from '../curvature/scope.js';
import { addScaled, norm } from '../curvature/vector.js';
import {
  gaussNewton,
  gradientDescent,
  hessianFree,
  naturalGradient,
  newton,
  proximalPoint,
} from '../proximal/classical-methods.js';
import type { ProximalOptimizer } from '../proximal/proximal-optimizer.js';
import { check, relativeDistance } from './check.js';
import type { Check } from './check.js';
import { smallNetwork } from './small-network.js';
import type { SmallNetwork } from './small-network.js';
import { damped, exampleGradients, examplesOf, flat, gaussNewtonMatrix, meanOf, solve } from './textbook.js';

/** What a formula may use: g, the Gauss–Newton matrix on B, G on B′, and the Hessian on B by differences of gradients. */
interface Parts {
  readonly gradient: Matrix;
  readonly gaussNewton: Matrix;
  readonly metric: Matrix;
  readonly hessian: () => Matrix;
}

interface Row {
  readonly name: string;
  readonly formula: string;
  readonly loss: LossName;
  readonly sizes: readonly number[];
  readonly make: (objective: Objective<SupervisedBatch>) => ProximalOptimizer<SupervisedBatch>;
  /** −δ. */
  readonly textbook: (parts: Parts) => Matrix;
  readonly tolerance: number;
  readonly note?: string;
}

const PERCEPTRON = [2, 3, 2];
const EXAMPLES = 20;
const TIGHT = { inner: { maxIterations: 400, tolerance: 1e-7 } };

const ROWS: readonly Row[] = [
  {
    name: 'gradient descent',
    formula: 'η g',
    loss: 'softmax-cross-entropy',
    sizes: PERCEPTRON,
    make: (objective) => gradientDescent(objective, { learningRate: 0.1 }),
    textbook: ({ gradient }) => Matrix.mul(gradient, 0.1),
    tolerance: 1e-4,
  },
  {
    name: 'Newton',
    formula: 'H⁻¹g, logistic regression',
    loss: 'sigmoid-cross-entropy',
    sizes: [3, 2],
    make: (objective) => newton(objective, TIGHT),
    // Without hidden layers H is JᵀH_ℓJ.
    textbook: ({ gaussNewton: h, gradient }) => solve(h, gradient),
    tolerance: 1e-3,
  },
  {
    name: 'damped Newton',
    formula: '(H + 2I)⁻¹g',
    loss: 'softmax-cross-entropy',
    sizes: PERCEPTRON,
    make: (objective) => newton(objective, { damping: 2, ...TIGHT }),
    textbook: ({ hessian, gradient }) => solve(damped(hessian(), 1, 2), gradient),
    tolerance: 1e-3,
  },
  {
    name: 'generalised Gauss–Newton',
    formula: '(JᵀH_ℓJ)⁻¹g',
    loss: 'squared-error',
    sizes: [2, 2, 2],
    make: (objective) => gaussNewton(objective, { damping: 0, ...TIGHT }),
    textbook: ({ gaussNewton: c, gradient }) => solve(c, gradient),
    tolerance: 1e-3,
  },
  {
    name: 'damped generalised Gauss–Newton',
    formula: '(JᵀH_ℓJ + 0.1I)⁻¹g',
    loss: 'softmax-cross-entropy',
    sizes: PERCEPTRON,
    make: (objective) => gaussNewton(objective, { damping: 0.1, ...TIGHT }),
    textbook: ({ gaussNewton: c, gradient }) => solve(damped(c, 1, 0.1), gradient),
    tolerance: 1e-3,
  },
  {
    name: 'natural gradient',
    formula: 'η G⁻¹g, η = 0.5',
    loss: 'sigmoid-cross-entropy',
    sizes: [2, 2, 2],
    make: (objective) => naturalGradient(objective, { learningRate: 0.5, damping: 0, ...TIGHT }),
    textbook: ({ metric, gradient }) => Matrix.mul(solve(metric, gradient), 0.5),
    tolerance: 1e-3,
  },
  {
    name: 'damped natural gradient',
    formula: 'η (G + 0.1I)⁻¹g, η = 0.5',
    loss: 'softmax-cross-entropy',
    sizes: PERCEPTRON,
    make: (objective) => naturalGradient(objective, { learningRate: 0.5, damping: 0.1, ...TIGHT }),
    textbook: ({ metric, gradient }) => Matrix.mul(solve(damped(metric, 1, 0.1), gradient), 0.5),
    tolerance: 1e-3,
  },
  {
    name: 'Hessian-free',
    formula: '(JᵀH_ℓJ + I)⁻¹g by conjugate gradients run to their end',
    loss: 'softmax-cross-entropy',
    sizes: PERCEPTRON,
    make: (objective) =>
      hessianFree(objective, {
        damping: 1,
        backtrack: false,
        inner: { tolerance: 1e-7, progress: 1e-12 },
      }),
    textbook: ({ gaussNewton: c, gradient }) => solve(damped(c, 1, 1), gradient),
    tolerance: 1e-3,
    note: 'Its truncation of conjugate gradients is turned off for the comparison; the line search takes the whole step.',
  },
  {
    name: 'proximal point',
    formula: '(H + 0.3G + 0.1I)⁻¹g, linear regression',
    loss: 'squared-error',
    sizes: [3, 2],
    make: (objective) =>
      proximalPoint(objective, {
        lambdaFsd: 0.3,
        lambdaWsd: 0.1,
        inner: { ...TIGHT.inner, newtonTolerance: 1e-6 },
      }),
    textbook: ({ gaussNewton: h, metric, gradient }) =>
      solve(Matrix.add(h, damped(metric, 0.3, 0.1)), gradient),
    tolerance: 1e-3,
  },
];

/** One check a row, and one for the proximal point of a perceptron, which has no closed form. */
export function verifyTable1(seed = 1): Check[] {
  return [
    ...ROWS.map((row) => withNetwork(row, seed, (network) => rowCheck(row, network))),
    stationarity(seed),
  ];
}

function withNetwork<T>(
  { loss, sizes }: Pick<Row, 'loss' | 'sizes'>,
  seed: number,
  body: (network: SmallNetwork) => T,
): T {
  const network = smallNetwork({ sizes, loss, examples: EXAMPLES, seed });
  try {
    return scoped(() => body(network));
  } finally {
    network.dispose();
  }
}

function rowCheck(
  { name, formula, loss, make, textbook, tolerance, note }: Row,
  network: SmallNetwork,
): Check {
  const { objective, batch, other } = network;
  const examples = examplesOf(objective, loss, { batch, seed: 0 });
  const expected = textbook({
    gradient: meanOf(exampleGradients(examples)),
    gaussNewton: gaussNewtonMatrix(examples),
    metric: gaussNewtonMatrix(examplesOf(objective, loss, { batch: other, seed: 0 })),
    hessian: () => differencedHessian(network),
  });
  return check({
    verification: 'table-1',
    name: `Table 1, ${name}`,
    compared: `the step of the proximal solver with −${formula}: relative distance`,
    error: relativeDistance(stepOf(make(objective), network), flat(expected.mul(-1))),
    tolerance,
    ...(note !== undefined && { note }),
  });
}

/** θ′ − θ of one step. */
function stepOf(optimizer: ProximalOptimizer<SupervisedBatch>, network: SmallNetwork): Float64Array {
  const space = new ParameterSpace(network.variables);
  const theta = space.current();
  optimizer.step(network.batch, network.other);
  optimizer.dispose();
  return addScaled(space.current(), -1, theta);
}

/** θ′ = θ − (∇J(θ′) + λ_FSD ∇ρ(θ′))/λ_WSD, the implicit equation of the proximal point: what is left of ∇Q at θ′. */
function stationarity(seed: number): Check {
  return withNetwork({ loss: 'softmax-cross-entropy', sizes: PERCEPTRON }, seed, (network) => {
    const { objective, variables, batch, other } = network;
    const space = new ParameterSpace(variables);
    const weights = { lambdaFsd: 0.3, lambdaWsd: 0.1 };
    const theta = space.current();
    const lossBatches = [{ batch, seed: 0 }];
    const fsdBatches = [{ batch: other, seed: 0 }];
    const problem = {
      objective,
      weights,
      lossBatches,
      fsdBatches,
      previous: predictions(objective, fsdBatches),
    };
    const gradient = space.read(basePass(objective, lossBatches).gradients);
    const delta = stepOf(proximalPoint(objective, { ...weights, inner: { newtonTolerance: 1e-4 } }), network);
    const back = space.write(theta);
    for (const variable of variables) variable.assign(back[variable.name]!);
    const { cotangent } = proximalGradient(problem, space.write(addScaled(theta, 1, delta)));
    return check({
      verification: 'table-1',
      name: 'Table 1, proximal point of a perceptron',
      compared: "‖∇Q‖ at θ′, by core's own meta-objective, relative to ‖∇J‖ at θ",
      error: norm(space.read(cotangent)) / norm(gradient),
      tolerance: 2e-4,
      note: `The step is ${(norm(delta) / norm(theta)).toPrecision(2)} of ‖θ‖ long.`,
    });
  });
}

/** H column by column: four-point differences of ∇J along every coordinate, made symmetric. */
function differencedHessian({ objective, variables, batch }: SmallNetwork): Matrix {
  const space = new ParameterSpace(variables);
  const theta = space.current();
  const gradientAt = (column: number, shift: number): Float64Array =>
    scoped(() => {
      const moved = theta.slice();
      moved[column]! += shift;
      const values = space.write(moved);
      for (const variable of variables) variable.assign(values[variable.name]!);
      return space.read(basePass(objective, [{ batch, seed: 0 }]).gradients);
    });
  const h = 0.05;
  const columns = Array.from(theta, (_, j) => {
    const [far, near, back, farBack] = [2 * h, h, -h, -2 * h].map((shift) => gradientAt(j, shift));
    return Array.from(theta, (__, i) => (8 * (near![i]! - back![i]!) - (far![i]! - farBack![i]!)) / (12 * h));
  });
  const restored = space.write(theta);
  for (const variable of variables) variable.assign(restored[variable.name]!);
  const matrix = new Matrix(columns);
  return Matrix.add(matrix, matrix.transpose()).mul(0.5);
}
