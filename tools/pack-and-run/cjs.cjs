require('@tensorflow/tfjs-backend-cpu');
const packages = {
  tf: require('@tensorflow/tfjs-core'),
  core: require('@apo/core'),
  node: require('@apo/backend-node'),
  wasm: require('@apo/backend-wasm'),
  webgpu: require('@apo/backend-webgpu'),
  cuda: require('@apo/backend-cuda'),
  precond: require('@apo/precond'),
  baselines: require('@apo/baselines'),
  tasks: require('@apo/tasks'),
  tasksNode: require('@apo/tasks/node'),
};

import('./main.mjs')
  .then(({ main }) => main(packages))
  .then((result) => {
    packages.wasm.removeTrainingKernels();
    require('@apo/backend-wasm/register');
    if (!packages.wasm.trainingKernelsInstalled())
      throw new Error('@apo/backend-wasm/register installed nothing');
    console.log(JSON.stringify(result));
  });
