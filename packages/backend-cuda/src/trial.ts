/**
 * Loads tfjs-node-gpu in a child process and multiplies on it: the only way to learn which GPU it would use, and that its native library works,
 * without loading it here. What libtensorflow writes to its log meanwhile says which CUDA library is missing.
 */
import type { ExecFileException } from 'node:child_process';
import type { NodeModules } from './node-modules.js';

export type Trial =
  | { readonly works: true; readonly gpus: readonly string[]; readonly libtensorflow: string }
  /** One clause, and one sentence that says what to do. */
  | { readonly works: false; readonly why: string; readonly remedy: string };

/** The first use of a GPU compiles kernels for it. */
const TIMEOUT_MS = 180_000;
const MARK = 'apo-trial ';
/** What libtensorflow 2.9, which tfjs-node-gpu 4.22 brings, was built for. */
const CUDA = 'CUDA 11.2 and cuDNN 8.1';

const script = `
const tf = require(process.argv[1]);
const product = tf.matMul(tf.tensor2d([[3]]), tf.tensor2d([[4]])).dataSync()[0];
console.log(${JSON.stringify(MARK)} + JSON.stringify({
  backend: tf.getBackend(),
  product,
  gpu: tf.backend().isUsingGpuDevice === true,
  libtensorflow: String(tf.backend().binding && tf.backend().binding.TF_Version),
}));
`;

interface Report {
  readonly backend: string;
  readonly product: number;
  readonly gpu: boolean;
  readonly libtensorflow: string;
}

/** Tries the package in `folder` with these additions to the environment; never rejects. */
export async function trialLoad(
  { childProcess }: NodeModules,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<Trial> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...environment, TF_CPP_MIN_LOG_LEVEL: '0', NODE_OPTIONS: '' };
    const options = { env, timeout: TIMEOUT_MS, encoding: 'utf8', maxBuffer: 1 << 24 } as const;
    try {
      childProcess.execFile(process.execPath, ['-e', script, folder], options, (error, stdout, stderr) =>
        resolve(judge(error, stdout, stderr)),
      );
    } catch (error) {
      resolve(
        failure(
          `no process could be started to try it (${String(error)})`,
          'Allow this program to start processes.',
        ),
      );
    }
  });
}

function judge(error: ExecFileException | null, stdout: string, log: string): Trial {
  const line = stdout.split('\n').find((candidate) => candidate.startsWith(MARK));
  if (error !== null || line === undefined) return crashed(error, log);
  const { backend, product, gpu, libtensorflow } = JSON.parse(line.slice(MARK.length)) as Report;
  if (backend !== 'tensorflow' || product !== 12)
    return failure(`it computed 3 · 4 = ${product} on the backend "${backend}"`, REINSTALL);
  return gpu ? { works: true, gpus: gpuNames(log), libtensorflow } : withoutGpu(log);
}

const REINSTALL = 'Install @tensorflow/tfjs-node-gpu again, on this machine and with this version of Node.';

function crashed(error: ExecFileException | null, log: string): Trial {
  if (error?.killed === true) return failure(`it did not load within ${TIMEOUT_MS / 1000} s`, REINSTALL);
  if (error?.signal) return failure(`the process that loaded it died of ${error.signal}`, REINSTALL);
  const thrown = log.split('\n').find((line) => /^\w*Error\b.*:/.test(line));
  const why =
    thrown?.replace(/^\w*Error[^:]*:\s*/, '').trim() ?? error?.message ?? 'it loaded without a result';
  const library = /(\S+\.so[.\d]*): cannot open shared object file/.exec(why)?.[1];
  return library === undefined ? failure(why, REINSTALL) : missingLibraries([library]);
}

/** It loaded and computed, on the CPU: libtensorflow's log says why. */
function withoutGpu(log: string): Trial {
  const libraries = [...log.matchAll(/Could not load dynamic library '([^']+)'/g)].map((match) => match[1]!);
  // TensorRT is looked for by every build and needed by none of ours.
  const needed = [...new Set(libraries)].filter((name) => !name.startsWith('libnvinfer'));
  const driver = needed.find((name) => name.startsWith('libcuda.'));
  if (driver !== undefined)
    return failure(
      `the NVIDIA driver's ${driver} is missing`,
      'Install the driver of the NVIDIA GPU, 460.32 or later; without such a GPU use @apo/backend-node.',
    );
  if (needed.length > 0) return missingLibraries(needed);
  const refused = /failed call to cuInit: (\w+)/.exec(log)?.[1];
  if (refused !== undefined && refused !== 'CUDA_ERROR_NO_DEVICE')
    return failure(
      `the NVIDIA driver does not start (${refused})`,
      `Install a driver that supports ${CUDA} and restart.`,
    );
  return failure(
    'it finds no NVIDIA GPU',
    'See "nvidia-smi" and CUDA_VISIBLE_DEVICES; without an NVIDIA GPU use @apo/backend-node or @apo/backend-webgpu.',
  );
}

function missingLibraries(libraries: readonly string[]): Trial {
  const are = libraries.length === 1 ? 'is' : 'are';
  return failure(
    `${libraries.join(', ')} ${are} missing`,
    `Install ${CUDA}, and put the folders of their libraries into LD_LIBRARY_PATH before Node starts.`,
  );
}

/** "Created device …/device:GPU:0 with 14000 MB memory:  -> device: 0, name: Tesla T4, pci bus id: …, compute capability: 7.5" */
function gpuNames(log: string): string[] {
  const lines = log.matchAll(/device:GPU:\d+ with (\d+) MB memory:\s+-> device: \d+, name: ([^,\n]+)/g);
  return [...lines].map((match) => `${match[2]!} (${match[1]!} MB)`);
}

function failure(why: string, remedy: string): Trial {
  return { works: false, why, remedy };
}
