/** A term of the proximal objective as a function of the displacement δ = θ′ − θ: linear, quadratic, or the network itself. Their sum is what a step minimises. */
import * as tf from '@tensorflow/tfjs-core';
import { atLookahead, preserving } from '@apo/core';
import type { Objective } from '@apo/core';
import { ParameterSpace, readValues } from '../curvature/parameter-space.js';
import { valueAndGradient } from '../curvature/products.js';
import type { Product } from '../curvature/products.js';
import { accumulate, addScaled, dot, scale } from '../curvature/vector.js';

export interface Term {
  /** True when value, gradient and curvature are those of one quadratic, so that one linear solve minimises it. */
  readonly quadratic: boolean;
  value(delta: Float64Array): number;
  /** `[parameters]`. */
  gradient(delta: Float64Array): Float64Array;
  /** v ↦ Cv at δ: the Hessian, or a positive semi-definite stand-in. */
  curvature(delta: Float64Array): Product;
}

/** value + gᵀδ + ½ δᵀCδ; without `product` C is zero. */
export function quadraticTerm(value: number, gradient: Float64Array, product?: Product): Term {
  const apply = product ?? ((v: Float64Array): Float64Array => new Float64Array(v.length));
  return {
    quadratic: true,
    value: (delta) => value + dot(gradient, delta) + (product ? 0.5 * dot(delta, product(delta)) : 0),
    gradient: (delta) => addScaled(gradient, 1, apply(delta)),
    curvature: () => apply,
  };
}

/** ½ λ ‖δ‖². */
export function weightTerm(lambda: number, size: number): Term {
  return quadraticTerm(0, new Float64Array(size), (v) => scale(v, lambda));
}

/** A scalar function of the variables at θ + δ, evaluated by the network; `product` is the curvature at the variables' present values. */
export function exactTerm<B>(
  objective: Objective<B>,
  theta: Float64Array,
  f: () => tf.Scalar,
  product: Product,
): Term {
  const space = new ParameterSpace(objective.variables);
  const at = <T>(delta: Float64Array, body: () => T): T => {
    const values = space.write(addScaled(theta, 1, delta));
    try {
      return atLookahead(objective.variables, values, body);
    } finally {
      tf.dispose(values);
    }
  };
  return {
    quadratic: false,
    value: (delta) =>
      at(delta, () => preserving(objective.stateVariables, () => tf.tidy(() => readValues(f())[0]!))),
    gradient: (delta) => at(delta, () => valueAndGradient(objective, f).gradient),
    curvature: (delta) => (vector) => at(delta, () => product(vector)),
  };
}

/** factor · term. */
export function scaleTerm(term: Term, factor: number): Term {
  return {
    quadratic: term.quadratic,
    value: (delta) => factor * term.value(delta),
    gradient: (delta) => scale(term.gradient(delta), factor),
    curvature: (delta) => {
      const product = term.curvature(delta);
      return (vector) => scale(product(vector), factor);
    },
  };
}

/** The sum of at least one term. */
export function sumTerms(terms: readonly Term[]): Term {
  const sum = (vectors: readonly Float64Array[]): Float64Array => {
    const total = vectors[0]!.slice();
    for (const vector of vectors.slice(1)) accumulate(total, 1, vector);
    return total;
  };
  return {
    quadratic: terms.every(({ quadratic }) => quadratic),
    value: (delta) => terms.reduce((total, term) => total + term.value(delta), 0),
    gradient: (delta) => sum(terms.map((term) => term.gradient(delta))),
    curvature: (delta) => {
      const products = terms.map((term) => term.curvature(delta));
      return (vector) => sum(products.map((product) => product(vector)));
    },
  };
}
