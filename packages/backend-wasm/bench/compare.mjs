// Stock kernels, the training kernels recomposed from stock ones, and our own module, taken in turns in one process: `pnpm build && node bench/compare.mjs [name…]`.
// Times are processor time of this process (user + system), so other programs disturb them little; medians.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { chooseNativeBuild, installTrainingKernels, removeTrainingKernels } from '@apo/backend-wasm';

await tf.setBackend('wasm');

const random = (shape, scale = 1, seed = 1) => tf.randomNormal(shape, 0, scale, 'float32', seed);
const weight = (shape) =>
  tf.variable(random(shape, Math.sqrt(2 / shape.slice(0, -1).reduce((a, b) => a * b, 1))));
const zeros = (n) => tf.variable(tf.zeros([n]));
const dense = (sizes) => sizes.slice(1).map((n, i) => [weight([sizes[i], n]), zeros(n)]);
const labels = (n) =>
  tf.tidy(() =>
    tf.cast(tf.oneHot(tf.tensor1d(Int32Array.from({ length: n }, (_, i) => i % 10)), 10), 'float32'),
  );
const crossEntropy = (logits, y) => tf.neg(tf.mean(tf.sum(tf.mul(y, tf.logSoftmax(logits)), 1)));
const forward = (x, layers, activate) =>
  layers.reduce((h, [w, b], i) => {
    const z = tf.add(tf.matMul(h, w), b);
    return activate(i) ? activate(i)(z) : z;
  }, x);

/** One step of momentum 0.9 at rate 0.01 with tf ops. */
function momentum(variables, loss) {
  const velocity = variables.map((v) => tf.variable(tf.zerosLike(v)));
  return () =>
    tf.tidy(() => {
      const { grads } = tf.variableGrads(loss, variables);
      variables.forEach((v, i) => {
        velocity[i].assign(tf.add(tf.mul(velocity[i], 0.9), grads[v.name]));
        v.assign(tf.sub(v, tf.mul(velocity[i], 0.01)));
      });
    });
}

const models = {
  'MLP 784-1000-1000-10, batch 100': () => {
    const layers = dense([784, 1000, 1000, 10]);
    const x = tf.randomUniform([100, 784], 0, 1, 'float32', 2);
    const y = labels(100);
    return momentum(layers.flat(), () =>
      crossEntropy(
        forward(x, layers, (i) => i < 2 && tf.relu),
        y,
      ),
    );
  },
  'autoencoder 784-1000-500-250-30-…, batch 512': () => {
    const layers = dense([784, 1000, 500, 250, 30, 250, 500, 1000, 784]);
    const x = tf.randomUniform([512, 784], 0, 1, 'float32', 2);
    return momentum(layers.flat(), () => {
      const z = forward(x, layers, (i) => i !== 3 && i !== 7 && tf.sigmoid);
      const loss = tf.add(tf.sub(tf.relu(z), tf.mul(z, x)), tf.log1p(tf.exp(tf.neg(tf.abs(z)))));
      return tf.mean(tf.sum(loss, 1));
    });
  },
  'LeNet 28×28, batch 128': () => {
    const [c1, c2, b1, b2] = [weight([5, 5, 1, 6]), weight([5, 5, 6, 16]), zeros(6), zeros(16)];
    const layers = dense([400, 120, 84, 10]);
    const x = tf.randomUniform([128, 28, 28, 1], 0, 1, 'float32', 2);
    const y = labels(128);
    return momentum([c1, c2, b1, b2, ...layers.flat()], () => {
      let h = tf.maxPool(tf.relu(tf.add(tf.conv2d(x, c1, 1, 'same'), b1)), 2, 2, 'valid');
      h = tf.maxPool(tf.relu(tf.add(tf.conv2d(h, c2, 1, 'valid'), b2)), 2, 2, 'valid');
      return crossEntropy(
        forward(tf.reshape(h, [128, 400]), layers, (i) => i < 2 && tf.relu),
        y,
      );
    });
  },
};

const kernels = {
  'matMul Aᵀ·B 784×100×1000': pair([100, 784], [100, 1000], (a, b) => tf.matMul(a, b, true, false)),
  'matMul A·Bᵀ 100×1000×1000': pair([100, 1000], [1000, 1000], (a, b) => tf.matMul(a, b, false, true)),
  'matMul A·B 100×784×1000, new B': pair([100, 784], [784, 1000], (a, b) => tf.matMul(a, tf.add(b, 0))),
  'matMul, 16 of 64×64×64': pair([16, 64, 64], [16, 64, 64], (a, b) => tf.matMul(a, b)),
  'conv2d input gradient 64×16×16×32→64, 3×3': pair([64, 16, 16, 64], [3, 3, 32, 64], (dy, w) =>
    tf
      .engine()
      .runKernel(
        'Conv2DBackpropInput',
        { dy, filter: w },
        { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', inputShape: [64, 16, 16, 32] },
      ),
  ),
  'conv2d filter gradient 64×16×16×32→64, 3×3': pair([64, 16, 16, 32], [64, 16, 16, 64], (x, dy) =>
    tf
      .engine()
      .runKernel(
        'Conv2DBackpropFilter',
        { x, dy },
        { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 32, 64] },
      ),
  ),
  'maxPool gradient 128×28×28×6, 2×2': pair([128, 28, 28, 6], [128, 14, 14, 6], (x, dy) =>
    tf
      .engine()
      .runKernel(
        'MaxPoolGrad',
        { dy, input: x, output: tf.maxPool(x, 2, 2, 'valid') },
        { filterSize: 2, strides: 2, pad: 'valid' },
      ),
  ),
  'sum over axis 0 of 512×1000': pair([512, 1000], [1], (x) => tf.sum(x, 0)),
  'sum of 1000×1000': pair([1000, 1000], [1], (x) => tf.sum(x)),
  'transpose 512×784': pair([512, 784], [1], (x) => tf.transpose(x)),
  'clone 1000×1000': pair([1000, 1000], [1], (x) => tf.clone(x)),
  'tile 1×1000 to 1000×1000': pair([1, 1000], [1], (x) => tf.tile(x, [1000, 1])),
  'slice 100 of 10000×784': pair([10000, 784], [1], (x) => tf.slice(x, [500, 0], [100, 784])),
  'gather 100 of 10000×784': pair([10000, 784], [1], (x) => tf.gather(x, tf.range(0, 10000, 100, 'int32'))),
  'batchNorm step 64×16×16×32': () => {
    const x = random([64, 16, 16, 32]);
    const [offset, scale] = [tf.zeros([32]), tf.ones([32])];
    const f = (t, b, g) => {
      const { mean, variance } = tf.moments(t, [0, 1, 2]);
      return tf.batchNorm(t, mean, variance, b, g, 1e-3);
    };
    return () => tf.tidy(() => void tf.grads(f)([x, offset, scale]));
  },
};

function pair(aShape, bShape, compute) {
  return () => {
    const [a, b] = [random(aShape), random(bShape, 1, 2)];
    return () => tf.tidy(() => void compute(a, b));
  };
}

function time(step) {
  const start = process.cpuUsage();
  step();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
const wanted = process.argv.slice(2);
console.log(`| what | stock ms | recomposed ms | ours ms | stock / ours |\n|---|---|---|---|---|`);
for (const [name, create] of Object.entries({ ...models, ...kernels })) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
  await new Promise((resolve) => setTimeout(resolve)); // lets finished work be collected between rows
  tf.engine().startScope();
  installTrainingKernels();
  const step = create();
  const times = { stock: [], recomposed: [], ours: [] };
  let missing = false;
  for (const build of ['off', 'auto']) {
    chooseNativeBuild(build);
    for (let i = 0; i < 3; i++) step();
  }
  for (let round = 0; round < (name in models ? 9 : 25); round++) {
    if (round < 3 || !(name in models)) {
      removeTrainingKernels();
      try {
        times.stock.push(time(step));
      } catch {
        missing = true;
      }
    }
    installTrainingKernels();
    chooseNativeBuild('off');
    for (let i = 0; i < 3; i++) times.recomposed.push(time(step));
    chooseNativeBuild('auto');
    for (let i = 0; i < 3; i++) times.ours.push(time(step));
  }
  tf.engine().endScope();
  const ours = median(times.ours);
  const recomposed = median(times.recomposed);
  const stock = missing ? undefined : median(times.stock);
  console.log(
    `| ${name} | ${stock?.toFixed(2) ?? 'missing'} | ${recomposed.toFixed(2)} | ${ours.toFixed(2)} | ${stock === undefined ? '' : (stock / ours).toFixed(1)} |`,
  );
}
