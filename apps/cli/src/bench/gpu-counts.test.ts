/** Counts of work on WebGPU, against programs whose work is known; and the meter of a device. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { engine } from '../engines.js';
import { activateBenchEngine } from './activate.js';
import { countWork, heldBytes } from './gpu-counts.js';
import { LocalMeter } from './local-meter.js';

const { available, reason = '' } = await engine('webgpu').probe();

describe.skipIf(!available)(`on WebGPU${available ? '' : ` (not run: ${reason})`}`, () => {
  beforeAll(async () => {
    await activateBenchEngine('webgpu', {});
  });

  it('counts dispatches, the bytes bound to them, copies and read-backs', async () => {
    const a = tf.fill([64, 64], 2);
    const counts = await countWork(async () => {
      const b = tf.exp(a);
      const c = tf.add(a, b);
      await c.data();
      tf.dispose([b, c]);
    });
    a.dispose();
    // exp binds its input and its output, add one more; each has 64 · 64 numbers of 4 bytes. One of them is read.
    expect(counts).toEqual({ dispatches: 2, boundBytes: 5 * 16_384, copiedBytes: 16_384, readBacks: 1 });
    expect(heldBytes()).toBeGreaterThanOrEqual(3 * 16_384);
  });

  it('stops counting, also after an error', async () => {
    const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
    await expect(countWork(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(GPUComputePassEncoder.prototype.dispatchWorkgroups).toBe(dispatchWorkgroups);
  });

  it('a meter times and counts steps of a small network without reading, and leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    const meter = new LocalMeter('webgpu', { name: 'any', software: true });
    const subject = { model: 'mlp', rule: 'adam', scale: 'small' } as const;
    await meter.prepare(subject);
    const { steps, seconds } = await meter.measure(subject, { steps: 2, seconds: 0 });
    expect(steps).toBe(2);
    expect(seconds).toBeGreaterThan(0);
    const counts = await meter.count(subject, 4);
    expect(counts!.readBacks).toBe(0);
    expect(counts!.dispatches).toBeGreaterThan(6);
    // The six variables, their gradients and two moments at least: 64·96 + 96·96 + 96·10 + 202 = 16,522 numbers each.
    expect(counts!.boundBytes).toBeGreaterThan(4 * 4 * 16_522);
    await meter.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('a meter compares single kernels, on our engine only', async () => {
    // The comparison itself is tested in @apo/backend-webgpu; here only whether it is asked.
    const other = new LocalMeter('stock-webgpu');
    expect(await other.compareKernels({ scale: 'small', rounds: 1 })).toBeUndefined();
    await other.dispose();
  });

  it('an update of the 62 variables of ResNet-18 by Adam takes at least 5 times fewer dispatches than with the published kernels', async () => {
    const subject = { update: 'resnet18', rule: 'adam', scale: 'small' } as const;
    const dispatches = async (name: 'webgpu' | 'stock-webgpu'): Promise<number> => {
      await activateBenchEngine(name, {});
      const meter = new LocalMeter(name);
      await meter.prepare(subject);
      const counts = await meter.count(subject, 2);
      await meter.dispose();
      return counts!.dispatches;
    };
    const stock = await dispatches('stock-webgpu');
    const own = await dispatches('webgpu');
    // Adam as separate operators takes some thirteen for each variable.
    expect(stock).toBeGreaterThan(500);
    expect(stock / own).toBeGreaterThanOrEqual(5);
  });
});
