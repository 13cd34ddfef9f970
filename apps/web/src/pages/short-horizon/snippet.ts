/** The run on the page as a program, with the same numbers. */
import { FEATURES, sidesOf } from './settings.js';
import type { ShortHorizonSettings } from './settings.js';

export const SNIPPET_INSTALL =
  'npm install @apo/core @tensorflow/tfjs @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu';

/** An ES module for Node. It prints, for each side, the last learning rate and what there is still to gain. */
export function snippet(settings: ShortHorizonSettings): string {
  const { noise, condition, batchSize, rule, initialRate, lambdaFsd, lambdaWsd, interval, seed, steps } =
    settings;
  const sides = sidesOf(settings.loss).map((side) => `'${side}'`);
  const rate = initialRate > 0 ? `{ learningRate: ${initialRate} }` : '';
  const options = [
    'lossBatch',
    `lambdaFsd: ${lambdaFsd}`,
    `lambdaWsd: ${lambdaWsd}`,
    `interval: ${interval}`,
    `seed: ${seed}`,
    ...(initialRate > 0 ? ['calibrate: false'] : []),
  ];
  return `import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { Apo, createObjective, createRandom, ${rule} } from '@apo/core';

await tf.setBackend('cpu');

for (const lossBatch of [${sides.join(', ')}]) {
  // y = xᵀθ* + noise, with features of variances from 1 down to 1 / ${condition}.
  const random = createRandom(${seed});
  const features = ${FEATURES};
  const variances = Array.from({ length: features }, (_, i) => ${condition} ** (-i / (features - 1)));
  const truth = variances.map((h) => random.normal() / Math.sqrt(h * features));
  const nextBatch = () => {
    const inputs = [];
    const targets = [];
    for (let row = 0; row < ${batchSize}; row++) {
      const x = variances.map((h) => Math.sqrt(h) * random.normal());
      inputs.push(x);
      targets.push([x.reduce((sum, value, i) => sum + value * truth[i], 0) + ${noise} * random.normal()]);
    }
    return { inputs: tf.tensor2d(inputs), targets: tf.tensor2d(targets) };
  };

  const weights = tf.variable(tf.zeros([features, 1]), true, \`weights/\${lossBatch}\`);
  const objective = createObjective({
    variables: [weights],
    predict: ({ inputs }) => tf.matMul(inputs, weights),
    loss: 'squared-error',
  });
  const apo = new Apo(objective, ${rule}(${rate}), { ${options.join(', ')} });
  let other = nextBatch();
  for (let step = 0; step < ${steps}; step++) {
    const batch = nextBatch();
    apo.step(batch, other);
    tf.dispose([other.inputs, other.targets]);
    other = batch;
  }
  const values = await weights.data();
  const excess = variances.reduce((sum, h, i) => sum + 0.5 * h * (values[i] - truth[i]) ** 2, 0);
  console.log(lossBatch, (await apo.learningRates()).all, excess);
}
`;
}
