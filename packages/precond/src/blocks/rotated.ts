/**
 * The batch rotation of a Kronecker block: where the gradient is a sum over few rows, G = X̄ᵀΔ, then R = BᵀGA is (X̄B)ᵀ(ΔA), and
 * the vector–Jacobian product contracts with X̄B and ΔA, too. Equal within rounding; nothing here forms G A.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorMap } from '@apo/core';
import type { BoundFactor, Product } from '../factors/factor.js';
import { identityFactor } from '../factors/identity.js';
import type { RowsOfLayer } from '../layer-rows.js';
import type { Block, BlockGradient } from './block.js';
import type { KroneckerFactors } from './kronecker.js';
import { chooseRotation, rotatedFlops } from './rotation-flops.js';

/** `block`, which for a gradient over few rows has a rotated form of `apply`, of `gradient`, or of both. */
export function withRotation(
  block: Block,
  scaleEntry: string,
  shape: readonly [number, number],
  factors: KroneckerFactors,
): Block {
  const chosen = (batchRows: number) => {
    const rotated = rotatedFlops(shape, factors, batchRows);
    return { rotated, pays: chooseRotation(block, rotated) };
  };
  return {
    ...block,
    flopsAt(batchRows) {
      const { rotated, pays } = chosen(batchRows);
      return {
        flops: (pays.step ? rotated : block).flops,
        gradientFlops: (pays.gradient ? rotated : block).gradientFlops,
      };
    },
    atRows(layer) {
      const { pays } = chosen(layer.count);
      if (!pays.step && !pays.gradient) return undefined;
      const form = rotatedForm(scaleEntry, factors, layer);
      return {
        ...block,
        // An engine's own kernels for whole matrices take the gradient, not its rows.
        whole: undefined,
        ...(pays.step && { apply: form.apply }),
        ...(pays.gradient && { gradient: form.gradient }),
      };
    },
  };
}

/** `Block.apply` and `Block.gradient` for G = X̄ᵀΔ. */
function rotatedForm(
  scaleEntry: string,
  { columns, rows }: KroneckerFactors,
  layer: RowsOfLayer,
): Pick<Block, 'apply' | 'gradient'> {
  const rotate = (a: BoundFactor, b: BoundFactor): Rotated => {
    const { inputs, outputs } = layer.rows();
    const [onRows, onColumns] = [b.right(inputs), a.right(outputs)];
    return { onRows, onColumns, r: tf.matMul(onRows.value, onColumns.value, true) };
  };
  return {
    apply(phi) {
      const [a, b] = [columns.bind(phi), rows.bind(phi)];
      const t: tf.Tensor2D = tf.mul(tf.square(phi[scaleEntry]!), rotate(a, b).r);
      return a.rightTransposed(b.left(t).value).value;
    },
    gradient(phi, _, w): BlockGradient {
      const [a, b] = [columns.bind(phi), rows.bind(phi)];
      const { onRows, onColumns, r } = rotate(a, b);
      const wOnColumns = a.right(w);
      const wRotated = b.leftTransposed(wOnColumns.value);
      const scale = phi[scaleEntry] as tf.Tensor2D;
      const squared = tf.square(scale);
      const scaledQ: tf.Tensor2D = tf.mul(squared, wRotated.value);
      const scaledR: tf.Tensor2D = tf.mul(squared, r);
      const hasColumns = columns.parameters > 0;
      const hasRows = rows.parameters > 0;
      return {
        phi: {
          // ∂/∂A = WᵀBT + Δᵀ((X̄B)N)
          ...(hasColumns &&
            added(
              a.columnGradient([{ product: wOnColumns, with: scaledR }], b),
              a.columnGradient([{ product: onColumns, with: tf.matMul(onRows.value, scaledQ) }], whole),
            )),
          // ∂/∂B = (WA)Tᵀ + X̄ᵀ((ΔA)Nᵀ)
          ...(hasRows &&
            added(
              b.rowGradient([{ product: wRotated, with: scaledR }]),
              b.columnGradient(
                [{ product: onRows, with: tf.matMul(onColumns.value, scaledQ, false, true) }],
                whole,
              ),
            )),
          [scaleEntry]: tf.mul(tf.mul(scale, 2), tf.mul(r, wRotated.value)),
        },
        inner: tf.sum(tf.mul(scaledR, wRotated.value)),
      };
    },
  };
}

interface Rotated {
  /** X̄B `[N, m]`. */
  readonly onRows: Product;
  /** ΔA `[N, n]`. */
  readonly onColumns: Product;
  /** R `[m, n]`. */
  readonly r: tf.Tensor2D;
}

const whole = identityFactor.bind({});

function added(a: TensorMap, b: TensorMap): TensorMap {
  return Object.fromEntries(Object.entries(a).map(([name, tensor]) => [name, tf.add(tensor, b[name]!)]));
}
