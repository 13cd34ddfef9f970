/**
 * Functions of the WASM module of tfjs-wasm that its kernels wrap. Called directly they write into a tensor that exists,
 * so that a batch or a chunk needs no copy. Wrapped once per module.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

export interface StockFunctions {
  readonly matrixProduct: (
    a: number,
    aShape: Uint8Array,
    aRank: number,
    b: number,
    bShape: Uint8Array,
    bRank: number,
    transposeA: boolean,
    transposeB: boolean,
    output: number,
  ) => void;
  readonly transpose: (
    x: number,
    shape: Uint8Array,
    rank: number,
    dtype: number,
    output: number,
    permutation: Uint8Array,
    permutationLength: number,
  ) => void;
}

/** The part of Emscripten's module that is used here; the backend's own type needs typings that it does not bring. */
interface EmscriptenModule {
  cwrap(name: string, returnType: null, argumentTypes: readonly string[]): unknown;
}

const wrapped = new WeakMap<object, StockFunctions>();

export function stockFunctions(backend: BackendWasm): StockFunctions {
  const known = wrapped.get(backend.wasm);
  if (known !== undefined) return known;
  const module = backend.wasm as unknown as EmscriptenModule;
  const wrap = (name: string, types: readonly string[]): unknown => module.cwrap(name, null, types);
  const n = 'number';
  const functions = {
    matrixProduct: wrap('BatchMatMul', [n, 'array', n, n, 'array', n, n, n, n]),
    transpose: wrap('Transpose', [n, 'array', n, n, n, 'array', n]),
  } as StockFunctions;
  wrapped.set(backend.wasm, functions);
  return functions;
}

/** A shape as the module reads it: int32s, as bytes. */
export function shapeBytes(shape: readonly number[]): Uint8Array {
  return new Uint8Array(new Int32Array(shape).buffer);
}
