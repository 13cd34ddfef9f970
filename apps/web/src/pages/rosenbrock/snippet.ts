/** The race of the learned rate and the full preconditioner as a program. */
import { direction, toFunction, toPlane } from './landscape.js';
import { ADAPTATION } from './entrants.js';
import type { RosenbrockSettings } from './settings.js';

export const SNIPPET_INSTALL =
  'npm install @apo/core @apo/precond @tensorflow/tfjs @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu';

/** An ES module for Node that prints f of both at the end. */
export function snippet(settings: RosenbrockSettings): string {
  const { x, y, rotation, preset, lambdaFsd, initialRate, initialScale, steps } = settings;
  const [c, s] = direction(rotation);
  const [shiftX, shiftY] = rotation === 0 ? [0, 0] : toFunction([0, 0], rotation);
  const { learningRate, beta2 } = ADAPTATION[preset];
  const paper = preset === 'paper';
  const rule = paper
    ? `fullPreconditioner({ learnedScale: false, initialScale: ${initialScale} })`
    : `fullPreconditioner({ adaptation: { learningRate: ${learningRate}, beta2: ${beta2} } })`;
  const options = paper
    ? `{
  preset: 'paper',
  interval: 1,
  lambdaFsd: ${lambdaFsd},
  lambdaWsd: 0,
  scale: 1,
  warmup: false,
  metaOptimizer: metaAdam({ learningRate: ${learningRate}, beta2: ${beta2} }),
}`
    : `{ lambdaFsd: ${lambdaFsd} }`;
  const plainOptions = `{ preset: '${preset}', interval: 1, lambdaFsd: ${lambdaFsd} }`;
  return `import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { Apo, createObjective${paper ? ', metaAdam' : ''}, sgd } from '@apo/core';
import { fullPreconditioner } from '@apo/precond';

await tf.setBackend('cpu');
// (x, y) = turn · place + shift: the function, turned by ${rotation} degrees about (1, 1).
const turn = tf.tensor2d([[${c}, ${s}], [${-s}, ${c}]]);
const shift = tf.tensor2d([[${shiftX}], [${shiftY}]]);

function rosenbrock(name) {
  const place = tf.variable(tf.tensor1d([${toPlane([x, y], rotation).join(', ')}]), true, name);
  const predict = () => {
    const [x, y] = tf.split(tf.add(tf.matMul(turn, tf.reshape(place, [2, 1])), shift), 2);
    return tf.concat([tf.sub(1, x), tf.mul(tf.sub(y, tf.square(x)), 10)], 1);
  };
  const loss = (residuals) => tf.sum(tf.square(residuals));
  return createObjective({ variables: [place], predict, loss, divergence: 'squared-error' });
}

const racers = {
  'SGD-APO': new Apo(rosenbrock('a'), sgd({ learningRate: ${initialRate} }), ${plainOptions}),
  'full P': new Apo(rosenbrock('b'), ${rule}, ${options}),
};
for (const [name, optimizer] of Object.entries(racers)) {
  for (let step = 0; step < ${steps}; step++) optimizer.step(null);
  const { predict, loss } = optimizer.objective;
  console.log(name, await loss(predict(null, false), null).array());
}
`;
}
