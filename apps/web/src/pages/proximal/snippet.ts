/** The step on the page as a program: the same network in float32 tensors, and the exact proximal method of @apo/baselines. */
import { BIAS, SCALES } from './features.js';
import { EXAMPLES, OTHER_INPUTS } from './regression.js';
import type { ProximalSettings } from './settings.js';

export const SNIPPET_INSTALL =
  'npm install @apo/core @apo/baselines @tensorflow/tfjs @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu';

/**
 * An ES module for Node. The network is linear in θ, so the change of f depends on θ through r = f(x₀, θ) − y₀ alone; the program starts
 * from θ = 0 with the target −r, and prints the change at the example and half a unit and two units beside it.
 */
export function snippet({ point, lambdaFsd, lambdaWsd }: ProximalSettings, residual: number): string {
  const x = EXAMPLES[point]!.x;
  const scales = SCALES.map(({ width, spacing, gain }) => `[${width}, ${spacing}, ${gain}]`).join(', ');
  return `import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createObjective } from '@apo/core';
import { proximalPoint } from '@apo/baselines';

await tf.setBackend('cpu');
// One hidden layer of Gaussian units: [width, spacing, gain]. Its output weights are trained.
const units = [${scales}].flatMap(([width, spacing, gain]) => {
  const reach = Math.ceil((3 + width) / spacing);
  return Array.from({ length: 2 * reach + 1 }, (_, i) => ({ centre: (i - reach) * spacing, width, gain }));
});
const bump = (x, { centre, width, gain }) => gain * Math.exp(-0.5 * ((x - centre) / width) ** 2);
const features = (xs) => tf.tensor2d(xs.map((x) => [${BIAS}, ...units.map((unit) => bump(x, unit))]));

const theta = tf.variable(tf.zeros([units.length + 1, 1]), true, 'theta');
const predict = ({ inputs }) => tf.matMul(inputs, theta);
const objective = createObjective({ variables: [theta], predict, loss: 'squared-error' });

const x = ${x};
const target = ${Number((-residual).toPrecision(6))}; // y − f(x, θ)
const batch = { inputs: features([x]), targets: tf.tensor2d([[target]]) };
const others = Array.from({ length: ${OTHER_INPUTS.length} }, (_, i) => -3 + i / 10);
const other = { inputs: features(others), targets: tf.zeros([others.length, 1]) };

const optimizer = proximalPoint(objective, { lambdaFsd: ${lambdaFsd}, lambdaWsd: ${lambdaWsd} });
optimizer.step(batch, other);
const changes = await predict({ inputs: features([x, x + 0.5, x + 2]) }).data();
console.log('change of f at x, x + 0.5, x + 2:', [...changes]);
`;
}
