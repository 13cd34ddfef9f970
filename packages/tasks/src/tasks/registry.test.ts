import { describe, expect, it } from 'vitest';
import { findTask, taskNames, tasks } from './registry.js';

describe('findTask', () => {
  it('finds every task by its name', () => {
    expect(taskNames).toEqual([
      'rosenbrock',
      'ill-conditioned-regression',
      'digits',
      'uci-parkinsons',
      'uci-protein',
      'uci-slice',
      'autoencoder-tiny',
      'mnist-mlp-small',
      'lenet-mnist',
      'mnist-mlp',
      'autoencoder-small',
      'autoencoder',
    ]);
    for (const task of tasks) expect(findTask(task.name)).toBe(task);
  });

  it('lists the names for an unknown one, and suggests a close one', () => {
    expect(() => findTask('mnist-mpl')).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: `Unknown task "mnist-mpl"; expected one of ${taskNames.join(', ')}. Did you mean "mnist-mlp"?`,
      }),
    );
    expect(() => findTask('imagenet')).toThrow(/, autoencoder\.$/);
  });
});
