/** Arithmetic on maps of tensors by name. New tensors belong to the caller; run it inside `tf.tidy`. */
import * as tf from '@tensorflow/tfjs-core';
import { runEngineKernel } from './engine-kernels.js';
import type { RuleState, TensorMap } from './update-rule.js';

/** `f` on every entry. */
export function mapTensors(map: TensorMap, f: (tensor: tf.Tensor, name: string) => tf.Tensor): TensorMap {
  return Object.fromEntries(Object.entries(map).map(([name, tensor]) => [name, f(tensor, name)]));
}

/** Variables (or other named tensors) by name. */
export function byName(variables: readonly tf.Variable[]): TensorMap {
  return Object.fromEntries(variables.map((variable) => [variable.name, variable]));
}

/** factor · map; the same tensors when the factor is 1. */
export function scaled(map: TensorMap, factor: number): TensorMap {
  return factor === 1 ? map : mapTensors(map, (tensor) => tf.mul(tensor, factor));
}

/** map + displacement over the names of `map`; the same tensors when there is no displacement. */
export function displaced(map: TensorMap, displacement: TensorMap | undefined): TensorMap {
  return displacement === undefined
    ? map
    : mapTensors(map, (tensor, name) => tf.add(tensor, displacement[name]!));
}

/** ⟨a, b⟩ over the names of `a`, a scalar. */
export function innerProduct(a: TensorMap, b: TensorMap): tf.Scalar {
  return tf.reshape(
    innerProducts(a, b, 1, () => 0),
    [],
  );
}

/** ⟨a, b⟩ over the names of `a` in each of `groups` groups, `[groups]`; `place` says which group a name is in. */
export function innerProducts(
  a: TensorMap,
  b: TensorMap,
  groups: number,
  place: (name: string) => number,
): tf.Tensor1D {
  const names = Object.keys(a);
  const places = names.map(place);
  const fused = runEngineKernel('ApoInnerProduct', { roles: { a, b }, attributes: { groups, places } });
  if (fused) return fused[0] as tf.Tensor1D;
  const products = names.map((name): tf.Scalar => tf.sum(tf.mul(a[name]!, b[name]!)));
  const perGroup = Array.from({ length: groups }, (_, group) =>
    total(products.filter((__, i) => places[i] === group)),
  );
  return tf.stack(perGroup) as tf.Tensor1D;
}

/** Σ ⟨a, b − c⟩ over the names of `a`, a scalar. */
export function differenceProduct(a: TensorMap, b: TensorMap, c: TensorMap): tf.Scalar {
  const fused = differenceProductByKernel(a, b, c);
  if (fused) return fused;
  return total(
    Object.entries(a).map(([name, own]): tf.Scalar => tf.sum(tf.mul(own, tf.sub(b[name]!, c[name]!)))),
  );
}

function differenceProductByKernel(a: TensorMap, b: TensorMap, c: TensorMap): tf.Scalar | undefined {
  const fused = runEngineKernel('ApoInnerProduct', {
    roles: { a, b, subtrahend: c },
    attributes: { groups: 1, places: Object.keys(a).map(() => 0) },
  });
  return fused && tf.reshape(fused[0]!, []);
}

/** 0 if every element is finite, else NaN: x − x is 0 for finite x, and NaN otherwise, and so is x (x − x). */
export function zeroIfFinite(map: TensorMap): tf.Scalar {
  return (
    differenceProductByKernel(map, map, map) ??
    total(Object.values(map).map((tensor): tf.Scalar => tf.sum(tf.sub(tensor, tensor))))
  );
}

/** Sum of scalars; a lone one is returned as it is. */
export function total(scalars: readonly tf.Scalar[]): tf.Scalar {
  return scalars.length === 1 ? scalars[0]! : tf.addN([...scalars]);
}

/** Zeros with the names and shapes of `like`. */
export function zerosLike(like: TensorMap): TensorMap {
  return mapTensors(like, (tensor) => tf.zeros(tensor.shape));
}

/** Where `condition` (a boolean scalar on the device) holds `yes`, else `no`; a copy of nothing where the engine can share data. */
export function select(condition: tf.Tensor, yes: TensorMap, no: TensorMap): TensorMap {
  const fused = runEngineKernel('ApoSelect', { roles: { yes, no }, single: { condition }, attributes: {} });
  if (fused) return Object.fromEntries(Object.keys(yes).map((name, i) => [name, fused[i]!]));
  return mapTensors(yes, (tensor, name) =>
    tensor === no[name] ? tensor : tf.where(condition, tensor, no[name]!),
  );
}

/** Every tensor of a state, once. */
export function stateTensors(state: RuleState): tf.Tensor[] {
  return [...new Set(Object.values(state).flatMap((slot) => Object.values(slot)))];
}

/** A state as one map, names `slot/variable`. */
export function flattenState(prefix: string, state: RuleState): TensorMap {
  return Object.fromEntries(
    Object.entries(state).flatMap(([slot, map]) =>
      Object.entries(map).map(([name, tensor]) => [`${prefix}/${slot}/${name}`, tensor]),
    ),
  );
}

/** Keeps the tensors of `next` beyond the current tidy and disposes those of `previous` that are not among them. */
export function replaceKept(previous: readonly tf.Tensor[], next: readonly tf.Tensor[]): void {
  const kept = new Set(next);
  for (const tensor of kept) tf.keep(tensor);
  for (const tensor of previous) if (!kept.has(tensor)) tensor.dispose();
}
