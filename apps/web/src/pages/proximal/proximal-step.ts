/**
 * The exact proximal update (Eq. 3 of the paper) of a network that is linear in θ, on a batch of one example:
 *
 *     θ′ = argmin ½ (f(x₀, θ′) − y₀)² + λ_FSD · (1/n) Σ ½ (f(x̃, θ′) − f(x̃, θ))² + ½ λ_WSD ‖θ′ − θ‖²
 *
 * In the basis of the singular vectors both penalties are diagonal, A = λ_FSD diag(σ²)/n + λ_WSD I, the loss adds z zᵀ of rank one, and
 * the Sherman–Morrison formula gives θ′ − θ = −r A⁻¹z / (1 + zᵀA⁻¹z) with r = f(x₀, θ) − y₀. Nothing is iterated.
 */
import { dot } from './regression.js';

/** Weights of the two penalties; a term that is absent has 0. At least one must be positive. */
export interface Weights {
  readonly lambdaFsd: number;
  readonly lambdaWsd: number;
}

export interface StepProblem {
  /** σ `[rank]`. */
  readonly singularValues: readonly number[];
  /** n, the number of inputs x̃. */
  readonly inputs: number;
  /** z `[rank]`, the coordinates of x₀. */
  readonly z: readonly number[];
  /** r = f(x₀, θ) − y₀. */
  readonly residual: number;
}

/** The parts of the objective at θ′. */
export interface Terms {
  /** J_B = ½ (f(x₀, θ′) − y₀)². */
  readonly loss: number;
  /** mean ½ (f(x̃, θ′) − f(x̃, θ))², without its weight. */
  readonly functionChange: number;
  /** ½ ‖θ′ − θ‖², without its weight. */
  readonly weightChange: number;
  /** Q = J_B + λ_FSD · functionChange + λ_WSD · weightChange. */
  readonly q: number;
}

/** θ′ − θ `[rank]`. @throws RangeError unless both weights are finite and not negative and one of them is positive. */
export function proximalStep(
  { singularValues, inputs, z, residual }: StepProblem,
  { lambdaFsd, lambdaWsd }: Weights,
): number[] {
  const legal = [lambdaFsd, lambdaWsd].every((weight) => Number.isFinite(weight) && weight >= 0);
  if (!legal || lambdaFsd + lambdaWsd === 0) {
    throw new RangeError(
      `λ_FSD is ${lambdaFsd} and λ_WSD is ${lambdaWsd}; expected finite weights of at least 0, one of them positive.`,
    );
  }
  const pulled = z.map((zi, i) => zi / ((lambdaFsd * singularValues[i]! ** 2) / inputs + lambdaWsd));
  const scale = -residual / (1 + dot(pulled, z));
  return pulled.map((value) => value * scale);
}

/** The parts of the objective at θ + `change`. */
export function termsAt(
  { singularValues, inputs, z, residual }: StepProblem,
  { lambdaFsd, lambdaWsd }: Weights,
  change: readonly number[],
): Terms {
  const loss = 0.5 * (residual + dot(change, z)) ** 2;
  const functionChange =
    change.reduce((sum, value, i) => sum + (value * singularValues[i]!) ** 2, 0) / (2 * inputs);
  const weightChange = 0.5 * change.reduce((sum, value) => sum + value ** 2, 0);
  return {
    loss,
    functionChange,
    weightChange,
    q: loss + lambdaFsd * functionChange + lambdaWsd * weightChange,
  };
}
