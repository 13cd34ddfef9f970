/** The engine that a package's tests run on in a page: plain `cpu`. The counterpart of test-backend.ts, without the processes and files of Node. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

await tf.setBackend('cpu');
await tf.ready();
