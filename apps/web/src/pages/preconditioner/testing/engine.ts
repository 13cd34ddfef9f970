/** Tests of the page's training run on the engine that the page has, which multiplies matrices a hundred times faster than `cpu`. */
import { wasmBackend } from '@apo/backend-wasm';

/** On one thread: the same bits on every machine. */
export async function useWasm(): Promise<void> {
  await wasmBackend({ threads: 1 }).activate();
}
