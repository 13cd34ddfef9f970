/** `import '@apo/backend-webgpu/register'` installs the training kernels as a side effect, for programs that set the backend up themselves. */
import '@tensorflow/tfjs-backend-webgpu';
import { installTrainingKernels } from './install.js';

installTrainingKernels();
