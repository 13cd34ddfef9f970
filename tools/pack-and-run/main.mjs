/** Everything that is checked in Node, whichever way the packages were loaded. */
import {
  expect,
  gradient,
  newtonByKfac,
  onWasm,
  preconditioned,
  rosenbrock,
  train,
  withoutTfjsNode,
  withoutGpus,
} from './program.mjs';

export async function main({ tf, core, node, wasm, webgpu, cuda, precond, baselines, tasks, tasksNode }) {
  await tf.setBackend('cpu');
  gradient({ tf });
  const trained = await train({ tf, core });
  await preconditioned({ tf, core, precond });
  await newtonByKfac({ tf, core, baselines }, 1);
  await withoutGpus({ webgpu, cuda });
  await rosenbrock({ tasks });
  expect(typeof tasksNode.fileStore === 'function', '@apo/tasks/node exports no fileStore');
  return { ...trained, ...(await withoutTfjsNode({ node })), ...(await onWasm({ tf, core, wasm })) };
}
