import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createStockKernels } from './stock-kernels.js';

const PACKAGE = '@tensorflow/tfjs-backend-cpu';

describe('createStockKernels', () => {
  it('finds and runs what the engine ships, also while another kernel stands in its place', () => {
    const backendName = tf.getBackend();
    const stock = createStockKernels<tf.KernelBackend>(backendName, PACKAGE);
    const x = tf.tensor1d([1, -2]);
    const negated = (): number[] => {
      const info = stock.run('Neg', { x }, tf.backend());
      const result = tf.engine().makeTensorFromTensorInfo(info);
      return tf.tidy(() => Array.from(result.dataSync()));
    };
    const shipped = stock.remember('Neg');
    tf.unregisterKernel('Neg', backendName);
    tf.registerKernel({ kernelName: 'Neg', backendName, kernelFunc: ({ inputs }) => inputs['x']! });
    try {
      expect(stock.find('Neg')).toBe(shipped);
      expect(negated()).toEqual([-1, 2]);
    } finally {
      tf.unregisterKernel('Neg', backendName);
      tf.registerKernel(stock.forget('Neg')!);
    }
    expect(stock.find('Neg')).toBe(shipped);
    expect(tf.neg(x).dataSync()).toEqual(Float32Array.of(-1, 2));
    tf.dispose(x);
  });

  it('remembers that the engine had none', () => {
    const backendName = tf.getBackend();
    const stock = createStockKernels<tf.KernelBackend>(backendName, PACKAGE);
    expect(stock.remember('NoSuchKernel')).toBeUndefined();
    tf.registerKernel({ kernelName: 'NoSuchKernel', backendName, kernelFunc: () => [] });
    expect(stock.find('NoSuchKernel')).toBeUndefined();
    expect(() => stock.run('NoSuchKernel', {}, tf.backend())).toThrow(
      `The backend '${backendName}' has no kernel 'NoSuchKernel'; import ${PACKAGE} 4.22 before using it.`,
    );
    tf.unregisterKernel('NoSuchKernel', backendName);
    expect(stock.forget('NoSuchKernel')).toBeUndefined();
  });

  it('refuses a kernel with several results', () => {
    const backendName = tf.getBackend();
    tf.registerKernel({ kernelName: 'SeveralResults', backendName, kernelFunc: () => [] });
    const stock = createStockKernels<tf.KernelBackend>(backendName, PACKAGE);
    expect(() => stock.run('SeveralResults', {}, tf.backend())).toThrow('returns several tensors');
    tf.unregisterKernel('SeveralResults', backendName);
  });
});
