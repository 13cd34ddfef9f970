import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as core from '@apo/core';
import * as node from '@apo/backend-node';
import * as cuda from '@apo/backend-cuda';
import * as wasm from '@apo/backend-wasm';
import * as webgpu from '@apo/backend-webgpu';
import * as baselines from '@apo/baselines';
import * as precond from '@apo/precond';
import * as tasks from '@apo/tasks';
import * as tasksNode from '@apo/tasks/node';
import { main } from './main.mjs';

const result = await main({ tf, core, node, wasm, webgpu, cuda, precond, baselines, tasks, tasksNode });

wasm.removeTrainingKernels();
await import('@apo/backend-wasm/register');
if (!wasm.trainingKernelsInstalled()) throw new Error('@apo/backend-wasm/register installed nothing');

console.log(JSON.stringify(result));
