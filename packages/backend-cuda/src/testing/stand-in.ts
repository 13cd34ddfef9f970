/** Folders that look like a tfjs-node-gpu package to the adapter, each with a main file that behaves in one way. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const require = createRequire(import.meta.url);

export interface StandIn {
  /** The main file. */
  readonly main: string;
  readonly name?: string;
  /** Version of the tfjs-core that it claims to bring. */
  readonly coreVersion?: string;
}

/** A folder in the system's temporary folder that goes away with the test. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'apo-tfjs-node-gpu-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes the package and returns its folder. */
export function standIn({
  main,
  name = '@tensorflow/tfjs-node-gpu',
  coreVersion = '4.22.0',
}: StandIn): string {
  const folder = emptyFolder();
  const write = (path: string, manifest: object): void => {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'package.json'), JSON.stringify(manifest));
  };
  write('.', { name, version: '4.22.0', main: 'main.js' });
  write('node_modules/@tensorflow/tfjs', { name: '@tensorflow/tfjs', version: coreVersion });
  write('node_modules/@tensorflow/tfjs-core', { name: '@tensorflow/tfjs-core', version: coreVersion });
  writeFileSync(join(folder, 'main.js'), main);
  return folder;
}

/**
 * What tfjs-node-gpu does when it loads, with the cpu backend's storage and kernels in place of libtensorflow's: registers the backend `tensorflow`
 * and its kernels, makes it current, says whether it uses a GPU, and writes `log` to the standard error.
 */
export function mainWith({ gpu, log = '' }: { readonly gpu: boolean; readonly log?: string }): string {
  return `
require('node:fs').appendFileSync(require('node:path').join(__dirname, 'loads.txt'), JSON.stringify([
  process.env.CUDA_VISIBLE_DEVICES, process.env.TF_FORCE_GPU_ALLOW_GROWTH,
]) + '\\n');
if (process.env.TF_CPP_MIN_LOG_LEVEL === '0') process.stderr.write(${JSON.stringify(log)});
const tf = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-core'))});
const { MathBackendCPU } = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-backend-cpu'))});
tf.registerBackend('tensorflow', () => Object.assign(new MathBackendCPU(), {
  isUsingGpuDevice: ${gpu}, binding: { TF_Version: '0.stand-in' },
}), 3);
for (const kernel of tf.getKernelsForBackend('cpu')) tf.registerKernel({ ...kernel, backendName: 'tensorflow' });
tf.setBackend('tensorflow');
module.exports = { ...tf };
`;
}
