/**
 * Our own WASM module on the memory of tfjs-wasm: which of its two builds runs here, and its functions. The build with relaxed
 * SIMD rounds a·b + c once, the plain one twice, so the last bits of their results differ; each is deterministic.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { ApoError } from '@apo/core';
import { moduleBytes } from './module-bytes.js';
import type { NativeFunctions } from './modules.generated.js';
import { withSharedMemory } from '../threads/shared-memory.js';

/** `relaxed` and `simd` name a build; `off` leaves the kernels recomposed from stock ones; `auto` is the fastest of the three. */
export type SimdChoice = (typeof simdChoices)[number];
export type NativeBuild = Exclude<SimdChoice, 'auto'>;
export const simdChoices = ['auto', 'relaxed', 'simd', 'off'] as const;

interface Loaded {
  readonly build: NativeBuild;
  readonly functions: NativeFunctions | undefined;
}

/** (a, b, c) → relaxed_madd(a, b, c), as a module that only an engine with relaxed SIMD accepts. */
const RELAXED_PROBE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b,
  0x03, 0x02, 0x01, 0x00, 0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x85, 0x02,
  0x0b,
]);

let choice: SimdChoice = 'auto';
/** By build and by whether the memory is shared. */
const compiled = new Map<string, WebAssembly.Module>();
const loaded = new WeakMap<object, Map<SimdChoice, Loaded>>();

/**
 * Says which build the kernels use from the next call on.
 * @throws ApoError `BACKEND_UNAVAILABLE` when this engine cannot run it; the choice is unchanged then.
 */
export function chooseNativeBuild(wanted: SimdChoice): void {
  if (wanted !== 'auto' && wanted !== 'off' && !accepts(wanted)) {
    throw new ApoError(
      'BACKEND_UNAVAILABLE',
      `simd is '${wanted}', which this JavaScript engine cannot compile; use 'auto' to take the fastest build that runs.`,
    );
  }
  choice = wanted;
}

/** The choice in force. */
export function chosenNativeBuild(): SimdChoice {
  return choice;
}

/** Our functions on this backend's memory; `undefined` where the kernels are to be recomposed from stock ones. */
export function nativeFunctions(backend: BackendWasm): NativeFunctions | undefined {
  return load(backend).functions;
}

/** The build that runs on this backend. */
export function nativeBuild(backend: BackendWasm): NativeBuild {
  return load(backend).build;
}

function load(backend: BackendWasm): Loaded {
  const known = loaded.get(backend.wasm)?.get(choice);
  if (known !== undefined) return known;
  const fresh = instantiateChosen(backend);
  const builds = loaded.get(backend.wasm) ?? new Map<SimdChoice, Loaded>();
  builds.set(choice, fresh);
  loaded.set(backend.wasm, builds);
  return fresh;
}

function instantiateChosen(backend: BackendWasm): Loaded {
  if (choice === 'relaxed' || choice === 'simd') {
    return { build: choice, functions: instantiate(backend, choice) };
  }
  if (choice === 'auto' && accepts('relaxed')) {
    const functions = instantiate(backend, 'relaxed');
    if (functions.roundsOnce(2 ** -12) === 1) return { build: 'relaxed', functions };
  }
  if (choice === 'auto' && accepts('simd')) return { build: 'simd', functions: instantiate(backend, 'simd') };
  return { build: 'off', functions: undefined };
}

function instantiate(backend: BackendWasm, build: 'relaxed' | 'simd'): NativeFunctions {
  const memory = memoryOf(backend);
  const { exports } = new WebAssembly.Instance(nativeModule(build, memory), { env: { memory } });
  return exports as unknown as NativeFunctions;
}

/** The builds that this engine can run, the fastest first. */
export function runnableBuilds(): readonly ('relaxed' | 'simd')[] {
  return (['relaxed', 'simd'] as const).filter(accepts);
}

/** The build, compiled to import a memory of the same kind as `memory`: shared between threads, or not. */
export function nativeModule(build: 'relaxed' | 'simd', memory: WebAssembly.Memory): WebAssembly.Module {
  const shared = !(memory.buffer instanceof ArrayBuffer);
  const key = shared ? `${build}, shared` : build;
  const bytes = moduleBytes(build);
  const module = compiled.get(key) ?? new WebAssembly.Module((shared && withSharedMemory(bytes)) || bytes);
  compiled.set(key, module);
  return module;
}

/** The parts of Emscripten's module that hold its memory; the backend's own type needs typings that it does not bring. */
interface MemoryHolder {
  readonly asm?: { readonly memory?: WebAssembly.Memory };
  readonly wasmMemory?: WebAssembly.Memory;
}

/** @throws ApoError `BACKEND_UNAVAILABLE` when the module of tfjs-wasm does not show it. */
export function memoryOf(backend: BackendWasm): WebAssembly.Memory {
  const holder = backend.wasm as unknown as MemoryHolder;
  const memory = holder.asm?.memory ?? holder.wasmMemory;
  if (memory !== undefined) return memory;
  throw new ApoError(
    'BACKEND_UNAVAILABLE',
    `This @tensorflow/tfjs-backend-wasm does not show its memory; use version 4.22, or wasmBackend({simd: 'off'}).`,
  );
}

function accepts(build: 'relaxed' | 'simd'): boolean {
  if (build === 'simd') return WebAssembly.validate(moduleBytes('simd'));
  return WebAssembly.validate(RELAXED_PROBE) || (switchRelaxedOn() && WebAssembly.validate(RELAXED_PROBE));
}

/** Node 20 has relaxed SIMD behind a flag, which may be set while the program runs; later ones have it on. */
function switchRelaxedOn(): boolean {
  const node = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  if (node?.versions?.node === undefined || node.getBuiltinModule === undefined) return false;
  if (Number.parseInt(node.versions.node, 10) !== 20) return false;
  node.getBuiltinModule('node:v8').setFlagsFromString('--experimental-wasm-relaxed-simd');
  return true;
}
