/** What a user's program does first, with the packages handed in by each way of loading them; returns numbers to compare. */

/**
 * Ten steps of self-tuned gradient descent on y = 2x + 1, from a rate that is far too small.
 * The loss before is ½ mean (2x + 1)² over x = −1, −0.5, 0, 0.5, 1: ½ (1 + 0 + 1 + 4 + 9) / 5 = 1.5.
 */
export async function train({ tf, core }) {
  const before = tf.memory().numTensors;
  const w = tf.tidy(() => tf.variable(tf.tensor2d([[0]]), true, 'w'));
  const b = tf.tidy(() => tf.variable(tf.tensor1d([0]), true, 'b'));
  const objective = core.createObjective({
    variables: [w, b],
    predict: ({ inputs }) => tf.add(tf.matMul(inputs, w), b),
    loss: 'squared-error',
  });
  const inputs = tf.tensor2d([[-1], [-0.5], [0], [0.5], [1]]);
  const batch = { inputs, targets: tf.tidy(() => tf.add(tf.mul(inputs, 2), 1)) };
  const apo = new core.Apo(objective, core.sgd({ learningRate: 1e-6 }));
  const losses = [];
  for (let step = 0; step < 10; step++) {
    const loss = apo.step(batch, undefined, { returnLoss: true });
    losses.push((await loss.data())[0]);
    loss.dispose();
  }
  const { metaSteps, learningRates } = await apo.statistics();
  apo.dispose();
  tf.dispose([w, b, batch.inputs, batch.targets]);
  expect(Math.abs(losses[0] - 1.5) < 1e-6, `the first loss is ${losses[0]}, expected 1.5`);
  expect(losses[9] < 0.15, `the loss went to ${losses[9]}, expected a tenth of 1.5 or less`);
  expect(
    learningRates.all > 1e-3,
    `the learning rate is ${learningRates.all}, expected it to grow from 1e-6`,
  );
  expect(metaSteps === 10, `${metaSteps} meta-steps, expected 10`);
  expect(tf.memory().numTensors === before, `${tf.memory().numTensors - before} tensors leaked`);
  return { loss: losses[9], learningRate: learningRates.all };
}

/** A learned preconditioner on ¼ (x² + 100 y²), which is 25.25 at its start (1, 1). */
export async function preconditioned({ tf, core, precond }) {
  const theta = tf.tidy(() => tf.variable(tf.tensor2d([[1, 1]]), true, 'theta/kernel'));
  const curvature = tf.tensor2d([[1, 100]]);
  const objective = core.createObjective({
    variables: [theta],
    predict: () => tf.mul(theta, tf.sqrt(curvature)),
    loss: (y) => tf.mul(tf.mean(tf.square(y)), 0.5),
  });
  const apo = new core.Apo(objective, precond.precondition());
  for (let step = 0; step < 60; step++) apo.step(null);
  const loss = tf.tidy(() => objective.loss(objective.predict(null, false), null));
  const [value] = await loss.data();
  apo.dispose();
  tf.dispose([theta, curvature, loss]);
  expect(value < 1, `preconditioned descent ended at ${value}, expected less than 1 from 25.25`);
}

/**
 * One step of KFAC on ½ mean (wx + b − 2x − 1)²: there the factors are exact and the step is Newton's, which ends in the minimum.
 * `workers` threads decompose the factors.
 */
export async function newtonByKfac({ tf, core, baselines }, workers) {
  const w = tf.tidy(() => tf.variable(tf.tensor2d([[0]]), true, 'line/kernel'));
  const b = tf.tidy(() => tf.variable(tf.tensor1d([0]), true, 'line/bias'));
  const objective = core.createObjective({
    variables: [w, b],
    predict: ({ inputs }) => tf.add(tf.matMul(inputs, w), b),
    loss: 'squared-error',
  });
  const inputs = tf.tensor2d([[-1], [-0.5], [0], [0.5], [1]]);
  const batch = { inputs, targets: tf.tidy(() => tf.add(tf.mul(inputs, 2), 1)) };
  const kfac = new baselines.Kfac(objective, {
    ...{ fisher: 'exact', dampingForm: 'exact', damping: 1e-6, klClip: false, momentum: 0 },
    ...{ learningRate: 1, workers },
  });
  await kfac.prepare(batch);
  kfac.step(batch);
  const [slope] = await w.data();
  const [offset] = await b.data();
  kfac.dispose();
  tf.dispose([w, b, batch.inputs, batch.targets]);
  expect(Math.abs(slope - 2) < 1e-3, `KFAC's slope is ${slope}, expected 2`);
  expect(Math.abs(offset - 1) < 1e-3, `KFAC's offset is ${offset}, expected 1`);
}

/** d/dA Σ (A B)² = 2 A B Bᵀ; with A = [1 2] and B = [[3] [4]]: A B = 11, and the gradient is [66 88]. */
export function gradient({ tf }) {
  const values = tf.tidy(() => {
    const b = tf.tensor2d([[3], [4]]);
    const f = (a) => tf.sum(tf.square(tf.matMul(a, b)));
    return Array.from(
      tf
        .grad(f)(tf.tensor2d([[1, 2]]))
        .dataSync(),
    );
  });
  expect(values[0] === 66 && values[1] === 88, `the gradient of a matMul is [${values}], expected [66, 88]`);
}

/** A task by name, evaluated where it starts: f(1, −1.5) = (1 − 1)² + 100 (−1.5 − 1)² = 625. */
export async function rosenbrock({ tasks }) {
  expect(tasks.taskNames.includes('mnist-mlp'), `mnist-mlp is not among the tasks ${tasks.taskNames}`);
  const instance = await tasks.findTask('rosenbrock').load();
  const { loss } = await instance.evaluate('train');
  instance.dispose();
  expect(loss === 625, `Rosenbrock's function starts at ${loss}, expected 625`);
}

/** The engine that npm alone installs, activated through its adapter. */
export async function onWasm({ tf, core, wasm }) {
  const info = await core.selectBackend([wasm.wasmBackend()]);
  expect(tf.getBackend() === 'wasm', `the backend is ${tf.getBackend()}, expected wasm`);
  gradient({ tf });
  const { loss } = await train({ tf, core });
  return { engine: info.name, wasmLoss: loss };
}

/** Without tfjs-node the adapter refuses with a reason. */
export async function withoutTfjsNode({ node }) {
  const { available, reason } = await node.nodeBackend().probe();
  expect(available === false, 'tfjs-node is not installed here, but its adapter says it is available');
  expect(reason.length > 0, 'the refusal gives no reason');
  return { refused: reason };
}

/** Without their optional peers the adapters of GPUs refuse with a reason. */
export async function withoutGpus({ webgpu, cuda }) {
  for (const adapter of [webgpu.webgpuBackend(), cuda.cudaBackend()]) {
    const { available, reason, remedy } = await adapter.probe();
    expect(
      available === false,
      `the peer of ${adapter.name} is not installed here, but it says it is available`,
    );
    expect(
      /is not installed/.test(reason) && /npm install/.test(remedy),
      `${adapter.name}: ${reason} ${remedy}`,
    );
  }
}

export function expect(condition, message) {
  if (!condition) throw new Error(message);
}
