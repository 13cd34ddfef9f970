/**
 * The regression that the step starts from: twenty-one examples, and the network that fits them. The network is written in the basis
 * of its singular vectors, where ½ ‖θ′ − θ‖² is unchanged (a rotation) and the function-space metric is diagonal.
 */
import { EigenvalueDecomposition, Matrix, solve } from 'ml-matrix';
import { evenly, features } from './features.js';

export interface Example {
  readonly x: number;
  readonly y: number;
}

/** Inputs x̃ of the function-space term, B′: evenly spaced, the examples' own among them. */
export const OTHER_INPUTS: readonly number[] = evenly(61);

/** A trend, a wave, and an offset for each example that looks like noise and is the same for everybody. */
function target(x: number, index: number): number {
  return 0.25 * x + 0.8 * Math.sin(1.7 * x) + 0.14 * Math.sin(12.9898 * (index + 1));
}

/** Every third of the inputs x̃. */
export const EXAMPLES: readonly Example[] = OTHER_INPUTS.filter((_, i) => i % 3 === 0).map((x, i) => ({
  x,
  y: Math.round(100 * target(x, i)) / 100,
}));

export interface Regression {
  /** σ `[rank]`: singular values of the features at the inputs x̃, so that (1/n) Σ φ(x̃)φ(x̃)ᵀ = diag(σ²/n). */
  readonly singularValues: readonly number[];
  /** Features of x in the basis of the right singular vectors, `[rank]`. */
  readonly coordinates: (x: number) => number[];
  /** θ `[rank]`: least squares on the examples with ½ · 10⁻³ ‖θ‖². */
  readonly theta: readonly number[];
}

/** Weight of ½ ‖θ‖² in the fit that the step starts from. */
const RIDGE = 1e-3;

/** Decomposes the features and fits the examples. A few milliseconds. */
export function createRegression(): Regression {
  const atInputs = new Matrix(OTHER_INPUTS.map(features));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    atInputs.mmul(atInputs.transpose()),
    { assumeSymmetric: true },
  );
  const singularValues = realEigenvalues.map(Math.sqrt);
  const basis = atInputs.transpose().mmul(eigenvectorMatrix).divRowVector(singularValues);
  const coordinates = (x: number): number[] => new Matrix([features(x)]).mmul(basis).getRow(0);
  const design = new Matrix(EXAMPLES.map(({ x }) => coordinates(x)));
  const normal = design.transpose().mmul(design).add(Matrix.eye(singularValues.length).mul(RIDGE));
  const right = design.transpose().mmul(Matrix.columnVector(EXAMPLES.map(({ y }) => y)));
  return { singularValues, coordinates, theta: solve(normal, right).getColumn(0) };
}

/** f at `z`, the coordinates of an input, for weights `theta`. */
export function dot(theta: readonly number[], z: readonly number[]): number {
  return theta.reduce((sum, weight, i) => sum + weight * z[i]!, 0);
}

/** Where the page draws: `count` inputs of the domain, and their coordinates. */
export function drawnInputs(regression: Regression, count: number): { xs: number[]; rows: number[][] } {
  const xs = evenly(count);
  return { xs, rows: xs.map(regression.coordinates) };
}
