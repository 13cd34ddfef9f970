/** P as one matrix over a vector of N parameters: P itself, or P = C Cᵀ (Sec. 4.3). N² numbers, so for small problems only. */
import * as tf from '@tensorflow/tfjs-core';
import type { Block } from './block.js';

/** U = P g, ∂/∂P = w gᵀ. P starts at scale · I and may lose symmetry and positivity; C Cᵀ cannot. */
export function rawBlock(entry: string, size: number): Block {
  return {
    label: 'P',
    parameters: size * size,
    flops: 2 * size * size,
    initialPhi: (_, scale) => ({ [entry]: tf.mul(tf.eye(size), scale) }),
    apply: (phi, g) => tf.matMul(phi[entry] as tf.Tensor2D, g),
    gradient: (phi, g, w) => ({
      phi: { [entry]: tf.matMul(w, g, false, true) },
      inner: tf.sum(tf.mul(tf.matMul(phi[entry] as tf.Tensor2D, g), w)),
    }),
    inner: (phi, g, w) => tf.sum(tf.mul(tf.matMul(phi[entry] as tf.Tensor2D, g), w)),
  };
}

/** U = C (Cᵀ g), ∂/∂C = w (Cᵀ g)ᵀ + g (Cᵀ w)ᵀ. */
export function factoredBlock(entry: string, size: number): Block {
  return {
    label: 'C Cᵀ',
    parameters: size * size,
    flops: 4 * size * size,
    initialPhi: (_, scale) => ({ [entry]: tf.mul(tf.eye(size), Math.sqrt(scale)) }),
    apply(phi, g) {
      const c = phi[entry] as tf.Tensor2D;
      return tf.matMul(c, tf.matMul(c, g, true));
    },
    gradient(phi, g, w) {
      const c = phi[entry] as tf.Tensor2D;
      const [ofG, ofW]: [tf.Tensor2D, tf.Tensor2D] = [tf.matMul(c, g, true), tf.matMul(c, w, true)];
      const gradient = tf.add(tf.matMul(w, ofG, false, true), tf.matMul(g, ofW, false, true));
      return { phi: { [entry]: gradient }, inner: tf.sum(tf.mul(ofG, ofW)) };
    },
    inner(phi, g, w) {
      const c = phi[entry] as tf.Tensor2D;
      return tf.sum(tf.mul(tf.matMul(c, g, true), tf.matMul(c, w, true)));
    },
  };
}
