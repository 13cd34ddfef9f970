/** The same in a page: the entry of the Vite bundle. The host gives `report`. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as core from '@apo/core';
import * as node from '@apo/backend-node';
import * as precond from '@apo/precond';
import * as tasks from '@apo/tasks';
import { gradient, preconditioned, rosenbrock, train, withoutTfjsNode } from './program.mjs';

async function main() {
  await tf.setBackend('cpu');
  gradient({ tf });
  const trained = await train({ tf, core });
  await preconditioned({ tf, core, precond });
  await rosenbrock({ tasks });
  return { ...trained, ...(await withoutTfjsNode({ node })), browser: tf.env().getBool('IS_BROWSER') };
}

main().then(
  (result) => globalThis.report(undefined, JSON.stringify(result)),
  (error) => globalThis.report(String(error?.stack ?? error)),
);
