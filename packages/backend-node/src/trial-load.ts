/** Loads tfjs-node in a child process: the only way to learn that its native library works without loading it here (a library built for another processor kills the process that loads it). */
import type { ExecFileException } from 'node:child_process';
import type { NodeModules } from './package-location.js';

export type Trial =
  { readonly works: true; readonly libtensorflow: string } | { readonly works: false; readonly why: string };

/** Long enough for a slow disk, short enough for a library that hangs. */
const TIMEOUT_MS = 60_000;
const MARK = 'apo-trial ';

/** Multiplies 3 by 4 on the tensorflow backend, and says which libtensorflow did it. */
const script = `
const tf = require(process.argv[1]);
const product = tf.matMul(tf.tensor2d([[3]]), tf.tensor2d([[4]])).dataSync()[0];
console.log(${JSON.stringify(MARK)} + JSON.stringify({
  backend: tf.getBackend(),
  product,
  libtensorflow: String(tf.backend().binding && tf.backend().binding.TF_Version),
}));
`;

/** Tries the package in `folder`; never rejects. */
export async function trialLoad({ childProcess }: NodeModules, folder: string): Promise<Trial> {
  return new Promise((resolve) => {
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', NODE_OPTIONS: '' };
    const options = { env, timeout: TIMEOUT_MS, encoding: 'utf8', maxBuffer: 1 << 22 } as const;
    try {
      childProcess.execFile(process.execPath, ['-e', script, folder], options, (error, stdout, stderr) =>
        resolve(judge(error, stdout, stderr)),
      );
    } catch (error) {
      resolve({ works: false, why: `no process could be started to try it (${String(error)})` });
    }
  });
}

function judge(error: ExecFileException | null, stdout: string, stderr: string): Trial {
  const line = stdout.split('\n').find((candidate) => candidate.startsWith(MARK));
  if (error === null && line !== undefined) {
    const { backend, product, libtensorflow } = JSON.parse(line.slice(MARK.length)) as Record<
      string,
      unknown
    >;
    if (backend === 'tensorflow' && product === 12)
      return { works: true, libtensorflow: String(libtensorflow) };
    return {
      works: false,
      why: `it computed 3 · 4 = ${String(product)} on the backend "${String(backend)}"`,
    };
  }
  if (error?.killed === true) return { works: false, why: `it did not load within ${TIMEOUT_MS / 1000} s` };
  if (error?.signal) return { works: false, why: `the process that loaded it died of ${error.signal}` };
  return { works: false, why: firstErrorLine(stderr) ?? error?.message ?? 'it loaded without a result' };
}

/** The message of an uncaught error in Node's report of it: "Error: …", "TypeError: …". */
function firstErrorLine(stderr: string): string | undefined {
  return stderr
    .split('\n')
    .find((line) => /^\w*Error\b.*:/.test(line))
    ?.replace(/^\w*Error[^:]*:\s*/, '')
    .trim();
}
