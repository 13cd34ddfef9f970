/**
 * Gives back what a kernel had allocated when it fails half way, at the end of the memory for example: nobody else knows of it, so
 * it would be lost. It costs one entry in a list for each tensor that a kernel makes.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** The table in which a backend enters its tensors; TensorFlow.js's type of it has no optional parts to rely on. */
interface DataTable {
  set(dataId: object, value: unknown): void;
}

const recorded = new WeakSet<object>();
/** Windows into the memory of other tensors, which must not be freed. */
const windows = new WeakSet<object>();
/** What the kernels in progress have made, the outermost one's first. */
const made: object[] = [];
let depth = 0;

/** From now on the backend's new tensors are noted while a kernel runs. Calling it again changes nothing. */
export function recordAllocations(backend: BackendWasm): void {
  const table = backend.dataIdMap as DataTable;
  if (recorded.has(table)) return;
  recorded.add(table);
  const set = table.set.bind(table);
  table.set = (dataId, value) => {
    set(dataId, value);
    if (depth > 0) made.push(dataId);
  };
}

/** Says that this tensor is a window into the memory of another one. */
export function markWindow(dataId: object): void {
  windows.add(dataId);
}

/** What `compute` returns; when it throws, every tensor that it has made is gone. */
export function undoOnFailure<T>(backend: BackendWasm, compute: () => T): T {
  const start = made.length;
  depth++;
  try {
    return compute();
  } catch (error) {
    for (const dataId of made.splice(start)) giveBack(backend, dataId);
    throw error;
  } finally {
    depth--;
    if (depth === 0) made.length = 0;
  }
}

function giveBack(backend: BackendWasm, dataId: object): void {
  if (!backend.dataIdMap.has(dataId)) return;
  if (windows.has(dataId)) backend.dataIdMap.get(dataId).memoryOffset = 0;
  backend.disposeData(dataId, true);
}
