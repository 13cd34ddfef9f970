/** (∂u/∂φ)ᵀ v: the rule's own hand-written product, or automatic differentiation of its `apply`. */
import * as tf from '@tensorflow/tfjs-core';
import { innerProduct } from './tensor-map.js';
import type { TensorMap, UpdateRule, VjpInput } from './update-rule.js';

/** ∂Q/∂φ for the cotangent v = ∂Q/∂θ′, by the names of φ; the caller owns the result. */
export function contract(rule: UpdateRule, input: VjpInput): TensorMap {
  return rule.vjp ? rule.vjp(input) : automaticVjp(rule, input);
}

/** Differentiates ⟨u(θ, φ, d), v⟩ with respect to φ. An entry of φ that u does not use gets zeros. */
export function automaticVjp(
  rule: UpdateRule,
  { variables, phi, direction, cotangent }: VjpInput,
): TensorMap {
  const names = Object.keys(phi);
  const gradient = tf.grads((...values: tf.Tensor[]) => {
    const trial = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
    const unused = tf.mul(tf.addN(values.map((value) => tf.sum(value))), 0);
    return tf.add(innerProduct(rule.apply(variables, trial, direction), cotangent), unused);
  });
  const gradients = tf.tidy(() => gradient(Object.values(phi)));
  return Object.fromEntries(names.map((name, i) => [name, gradients[i]!]));
}
