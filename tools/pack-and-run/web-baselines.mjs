/** The baselines in a page, where there are no worker threads of Node: the entry of a third Vite bundle. The host gives `report`. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as baselines from '@apo/baselines';
import * as core from '@apo/core';
import { newtonByKfac } from './program.mjs';

async function main() {
  await tf.setBackend('cpu');
  await newtonByKfac({ tf, core, baselines }, 0);
  return { kfac: 'reaches the minimum', browser: tf.env().getBool('IS_BROWSER') };
}

main().then(
  (result) => globalThis.report(undefined, JSON.stringify(result)),
  (error) => globalThis.report(String(error?.stack ?? error)),
);
