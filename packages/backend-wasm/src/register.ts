/** `import '@apo/backend-wasm/register'` installs the training kernels as a side effect, for programs that set the backend up themselves. */
import '@tensorflow/tfjs-backend-wasm';
import { installTrainingKernels } from './install.js';

installTrainingKernels();
