/** Which engine a worker computes on: WebGPU where there is one, else WASM, with the reason in words for the page. Never imported by a page itself. */
import { ApoError } from '@apo/core';
import type { BackendInfo } from '@apo/core';
import type { EngineChoice, EngineReport } from './engine-report.js';

const NOT_ISOLATED =
  'More threads need a page that is served with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.';

export interface EngineOptions {
  readonly choice: EngineChoice;
  /** Threads of the WASM engine; 0: as many as it likes. */
  readonly threads?: number;
  /** Called once when the GPU is lost. Nothing can be saved from it: start again, in a fresh worker, on `wasm`. */
  readonly onLost?: (error: ApoError) => void;
}

/**
 * Makes an engine TensorFlow.js's current one; each engine's code is loaded only when it is tried. Where WebGPU cannot be had, also when it
 * was asked for by name, WASM takes its place and the report says why. `auto` prefers WASM to a WebGPU that is only emulated.
 * @throws ApoError `BACKEND_UNAVAILABLE` when WASM does not start either.
 */
export async function startEngine({ choice, threads = 0, onLost }: EngineOptions): Promise<EngineReport> {
  if (choice === 'wasm') return startWasm(threads, 'WASM was asked for.');
  const result = await tryWebgpu(choice === 'webgpu', onLost);
  return typeof result === 'string' ? startWasm(threads, result) : result;
}

/** The report, or why there is none. */
async function tryWebgpu(emulated: boolean, onLost: EngineOptions['onLost']): Promise<EngineReport | string> {
  const { webgpuBackend } = await import('@apo/backend-webgpu');
  const adapter = webgpuBackend(onLost === undefined ? {} : { onLost });
  const { available, reason = 'WebGPU is not available.', warning } = await adapter.probe();
  if (!available) return reason;
  if (warning !== undefined && !emulated) {
    return 'The only WebGPU here is a software renderer, which is slower than WASM.';
  }
  try {
    const info = await adapter.activate();
    return { engine: 'webgpu', threads: 1, hardware: hardware(info), why: '', warning: info.warning ?? '' };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function hardware({ details = {} }: BackendInfo): string {
  const parts = ['vendor', 'architecture', 'device', 'driver'].map((key) => details[key]);
  return [...new Set(parts.filter((part) => typeof part === 'string'))].join(' ');
}

async function startWasm(threads: number, why: string): Promise<EngineReport> {
  const [{ wasmBackend }, { wasmFiles }] = await Promise.all([
    import('@apo/backend-wasm'),
    import('./wasm-files.js'),
  ]);
  // A worker's own address is the base of relative ones; the files' addresses may be relative.
  const wasmPaths = Object.fromEntries(
    Object.entries(wasmFiles).map(([name, url]) => [name, new URL(url, import.meta.url).href]),
  ) as Record<keyof typeof wasmFiles, string>;
  const info = await wasmBackend({ wasmPaths, ...(threads > 0 && { threads }) }).activate();
  const { simd, singleThread } = info.details ?? {};
  if (info.tfBackend !== 'wasm') {
    throw new ApoError('BACKEND_UNAVAILABLE', `TensorFlow.js runs on ${info.tfBackend}, not on WASM.`);
  }
  return {
    engine: 'wasm',
    threads: info.threads,
    hardware: simd === true ? 'SIMD' : 'no SIMD',
    why,
    warning:
      typeof singleThread === 'string'
        ? singleThread
        : (info.warning ?? (crossOriginIsolated ? '' : NOT_ISOLATED)),
  };
}
