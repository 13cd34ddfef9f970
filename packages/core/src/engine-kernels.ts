/**
 * The seam between an optimizer's arithmetic and kernels that an engine may bring for it: several tensors in one call and one
 * pass over each. They stand in TensorFlow.js's kernel registry under the names below; where there is none, plain ops run.
 * Outputs are always new tensors, since tensors may share data and engines may cache what they derived from it; nothing is ever
 * computed in the place of an input.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from './update-rule.js';

/** Attributes of every kernel of this file. Tensor i of a role is the input named by the role and i: `gradient0`, `gradient1`, … */
export interface EngineKernelAttributes {
  /** How many tensors each role has. */
  readonly count: number;
}

/**
 * Attributes of `ApoMomentum`, `ApoRmsprop` and `ApoAdam`, next to the numbers of the method. Inputs: role `gradient`, a role for
 * each state slot, `variable` where it is needed, and `rates` `[groups]`. Outputs: the new values of each slot in order, then
 * what `output` says.
 */
export interface UpdateKernelAttributes extends EngineKernelAttributes {
  /** θ′ = θ − rates[places[i]] · d, the direction d, or nothing beyond the state. */
  readonly output: 'variables' | 'direction' | 'none';
  readonly places: readonly number[];
}

/** `ApoMomentum`, slot `velocity`: m ← μ m + g, d = m or (Nesterov) g + μ m. */
export interface MomentumKernelAttributes extends UpdateKernelAttributes {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/**
 * `ApoRmsprop`, slots `meanSquare`, `mean` (when centred) and `velocity` (when momentum > 0): s ← α s + (1 − α) g²,
 * a ← α a + (1 − α) g, d = g / (√(c s − (c a)²) + ε) with the correction c, v ← μ v + d; the direction is v or else d.
 */
export interface RmspropKernelAttributes extends UpdateKernelAttributes {
  readonly decay: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly centered: boolean;
  readonly correction: number;
}

/** `ApoAdam`, slots `firstMoment` and `secondMoment`: m ← β₁ m + (1 − β₁) g, s ← β₂ s + (1 − β₂) g², d = m / (rootScale · √s + epsilon) + weightDecay · θ. */
export interface AdamKernelAttributes extends UpdateKernelAttributes {
  readonly beta1: number;
  readonly beta2: number;
  readonly rootScale: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** `ApoScaledSubtract`: θ′ = θ − rates[places[i]] · d of the roles `variable` and `direction`. */
export interface ScaledSubtractKernelAttributes extends EngineKernelAttributes {
  readonly places: readonly number[];
}

/**
 * `ApoInnerProduct`: Σ ⟨a, b⟩ of the roles `a` and `b` over the tensors whose place it is, as one tensor `[groups]`; Σ ⟨a, b − c⟩
 * where there is a role `subtrahend`, c.
 */
export interface InnerProductKernelAttributes extends EngineKernelAttributes {
  readonly places: readonly number[];
  readonly groups: number;
}

/**
 * `ApoSelect`: the tensors of the role `yes` where the single input `condition`, a boolean scalar, holds, else those of `no`. An
 * output may share its data with the tensor that was chosen.
 */
export type SelectKernelAttributes = EngineKernelAttributes;

/**
 * `ApoWeightPull`: v + λ (θ′ − θ) of the roles `lookahead`, `variable` and `cotangent`, then Σ (θ′ − θ)² over all tensors, a scalar;
 * the scalar alone where the role `cotangent` is absent.
 */
export interface WeightPullKernelAttributes extends EngineKernelAttributes {
  readonly lambda: number;
}

/** `ApoRound`: the tensors of the role `x` rounded to bfloat16 or float16, to nearest, ties to even; NaN, ±∞ and ±0 stay. */
export interface RoundKernelAttributes extends EngineKernelAttributes {
  readonly precision: 'bf16' | 'fp16';
}

/**
 * `ApoLowRankUpdate` and `ApoLowRankGradient`: a block of a Kronecker-factored preconditioner on a matrix `[m, n]`, P g = B T Aᵀ
 * with T = S⊙S ⊙ (Bᵀ G A), A = I + U_A V_Aᵀ and B = I + U_B V_Bᵀ. Role `gradient` is one tensor of m·n numbers, or two, the second
 * with the last n of them. Single inputs: `scale`, S; `columnU` and `columnV`, U_A and V_A `[n, r]`, or neither where A = I;
 * `rowU` and `rowV`, U_B and V_B `[m, r]`, likewise; `rates`, η = rates[place].
 *
 * The update gives θ′ = (1 − η · decay) θ − η · P g in the shapes of the role `variable`, with `decay` a single scalar input or
 * absent, or P g itself where that role is absent.
 *
 * The gradient has the role `cotangent`, v, and gives ∂/∂φ of −η ⟨v, P g⟩: for S, then U_A and V_A, then U_B and V_B as far as
 * there are any, and then −η ⟨v, P g⟩ itself, a scalar.
 */
export interface LowRankKernelAttributes extends EngineKernelAttributes {
  readonly place: number;
}

/**
 * `ApoKroneckerUpdate` and `ApoKroneckerGradient`: the same with whole matrices, inputs `columns`, A `[n, n]`, and `rows`, B `[m, m]`, each absent
 * for I. The gradient gives the derivatives by S, then by A, then by B as far as there are any, and then the scalar. With neither they decline.
 */
export type KroneckerKernelAttributes = LowRankKernelAttributes;

export type EngineKernelName =
  | 'ApoMomentum'
  | 'ApoRmsprop'
  | 'ApoAdam'
  | 'ApoScaledSubtract'
  | 'ApoSelect'
  | 'ApoWeightPull'
  | 'ApoInnerProduct'
  | 'ApoRound'
  | 'ApoLowRankUpdate'
  | 'ApoLowRankGradient'
  | 'ApoKroneckerUpdate'
  | 'ApoKroneckerGradient';

/** What goes into a kernel: a map of tensors for each role, all with the names and shapes of the first, and single tensors. */
export interface EngineKernelCall {
  readonly roles: Readonly<Record<string, TensorMap>>;
  readonly single?: Readonly<Record<string, tf.Tensor>>;
  readonly attributes: Readonly<Record<string, string | number | boolean | readonly number[]>>;
}

/** Whether plain ops would only be second best: the current engine has this kernel, and no gradient is being recorded. */
export function hasEngineKernel(kernelName: EngineKernelName): boolean {
  const engine = tf.engine();
  const kernel = tf.getKernel(kernelName, engine.backendName) as tf.KernelConfig | undefined;
  return kernel !== undefined && !engine.isTapeOn();
}

/**
 * Runs the current engine's kernel; the caller owns the outputs. `undefined`, with nothing done, where plain ops are to run: the
 * engine has no such kernel, a gradient is being recorded (kernels of this file have none), the tensors are not float32 of equal
 * shapes, or the kernel declines by giving no tensor.
 */
export function runEngineKernel(
  kernelName: EngineKernelName,
  { roles, single, attributes }: EngineKernelCall,
): tf.Tensor[] | undefined {
  if (!hasEngineKernel(kernelName)) return undefined;
  const first = Object.values(roles)[0] ?? {};
  const names = Object.keys(first);
  if (names.length === 0) return undefined;
  const inputs: Record<string, tf.Tensor> = { ...single };
  for (const [role, map] of Object.entries(roles)) {
    for (const [i, name] of names.entries()) {
      const tensor = map[name];
      if (tensor?.dtype !== 'float32' || !tf.util.arraysEqual(tensor.shape, first[name]!.shape))
        return undefined;
      inputs[`${role}${i}`] = tensor;
    }
  }
  const output: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(kernelName, inputs, {
    ...attributes,
    count: names.length,
  });
  if (!Array.isArray(output)) return [output];
  return output.length === 0 ? undefined : output;
}
