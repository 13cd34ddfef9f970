/** Where WebGPU comes from: `navigator.gpu` of a page (or of a program that set one up), else Dawn in Node. */
import { loadDawn, nodeProcess } from './dawn.js';
import type { Refusal } from './refusal.js';

export interface Host {
  readonly gpu: GPU;
  /** For `apo doctor`. */
  readonly implementation: string;
  /** Globals that TensorFlow.js reads and this process lacks; empty in a page. */
  readonly globals: Readonly<Record<string, unknown>>;
  /** What to do when it has no adapter, one sentence. */
  readonly remedy: string;
}

export type HostResult = { readonly host: Host } | { readonly refusal: Refusal };

export async function findHost(dawnOptions: readonly string[]): Promise<HostResult> {
  const present = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  const node = nodeProcess();
  if (present !== undefined) {
    const remedy = node === undefined ? PAGE_REMEDY : driverRemedy(node.platform);
    return { host: { gpu: present, implementation: 'navigator.gpu', globals: {}, remedy } };
  }
  if (node === undefined) {
    return {
      refusal: {
        reason: 'This page has no navigator.gpu.',
        remedy:
          'Open it over HTTPS or from localhost, in Chrome or Edge 113, Firefox 141, Safari 26 or later; or use @apo/backend-wasm.',
      },
    };
  }
  const result = await loadDawn(node, dawnOptions);
  if ('refusal' in result) return result;
  const { gpu, globals, version } = result.dawn;
  return {
    host: { gpu, globals, implementation: `Dawn (webgpu ${version})`, remedy: driverRemedy(node.platform) },
  };
}

const PAGE_REMEDY =
  'Turn hardware acceleration on and see chrome://gpu; Chrome on Linux may need --enable-unsafe-webgpu --enable-features=Vulkan.';

function driverRemedy(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'linux':
      return "Install the Vulkan loader (libvulkan.so.1, Debian's libvulkan1) and the GPU's Vulkan driver, or name a driver's manifest in VK_DRIVER_FILES.";
    case 'darwin':
      return 'Dawn needs macOS with Metal; a virtual machine may have none.';
    default:
      return "Install the GPU's current driver, with Direct3D 12 or Vulkan.";
  }
}

/**
 * Makes the host's globals visible, as far as there are none of these names; the returned function takes them away again.
 * TensorFlow.js reads `GPUBuffer` and its like whenever it computes.
 */
export function exposeGlobals(globals: Readonly<Record<string, unknown>>): () => void {
  const added = Object.keys(globals).filter((name) => !(name in globalThis));
  for (const name of added) {
    Object.defineProperty(globalThis, name, {
      value: globals[name],
      configurable: true,
      writable: true,
      enumerable: false,
    });
  }
  return () => {
    for (const name of added) Reflect.deleteProperty(globalThis, name);
  };
}

/** Runs `body` while `navigator.gpu` is there: TensorFlow.js looks for it when a backend is made, and other libraries take it for a page. */
export function withNavigator<T>(gpu: GPU, body: () => T): T {
  const here = globalThis as { navigator?: { gpu?: GPU } };
  if (here.navigator?.gpu !== undefined) return body();
  const target = here.navigator ?? here;
  const name = here.navigator === undefined ? 'navigator' : 'gpu';
  Object.defineProperty(target, name, { value: name === 'gpu' ? gpu : { gpu }, configurable: true });
  try {
    return body();
  } finally {
    Reflect.deleteProperty(target, name);
  }
}
