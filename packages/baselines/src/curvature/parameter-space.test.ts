import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ApoError, isApoError } from '@apo/core';
import { leaked } from '../testing/evidence.js';
import { ParameterSpace, readValues } from './parameter-space.js';
import { scoped } from './scope.js';

describe('ParameterSpace', () => {
  it('puts variables one after another, takes them apart again, and counts a missing one as zero', async () => {
    const [a, b]: tf.Variable[] = [
      tf.variable(
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
      ),
      tf.variable(tf.scalar(5)),
    ];
    const space = new ParameterSpace([a!, b!]);
    expect(space.size).toBe(5);
    expect(Array.from(space.current())).toEqual([1, 2, 3, 4, 5]);
    const body = (): void => {
      const tensors = space.write(Float64Array.from([5, 4, 3, 2, 1]));
      expect(tensors[a!.name]!.arraySync()).toEqual([
        [5, 4],
        [3, 2],
      ]);
      expect(Array.from(space.read({ [b!.name]: tensors[b!.name]! }))).toEqual([0, 0, 0, 0, 1]);
      tf.dispose(tensors);
    };
    expect(await leaked(body)).toBe(0);
    tf.dispose([a!, b!]);
  });
});

describe('readValues', () => {
  it('says so when the engine cannot read at once', () => {
    const tensor = tf.scalar(1);
    tensor.dataSync = () => {
      throw new Error('asynchronous only');
    };
    let caught: unknown;
    try {
      readValues(tensor);
    } catch (error) {
      caught = error;
    }
    expect(isApoError(caught) && caught.code).toBe('UNSUPPORTED');
    expect(caught).toMatchObject({ cause: { message: 'asynchronous only' } });
    tensor.dispose();
  });

  it('leaves the error of a lost device as it is', () => {
    const tensor = tf.scalar(1);
    const lost = new ApoError('BACKEND_UNAVAILABLE', 'The GPU device was lost.');
    tensor.dataSync = () => {
      throw lost;
    };
    expect(() => readValues(tensor)).toThrow(lost);
    tensor.dispose();
  });
});

describe('scoped', () => {
  it('disposes what was made, also when the body throws', async () => {
    const failing = (): void => {
      scoped(() => {
        tf.zeros([2]);
        throw new Error('stop');
      });
    };
    expect(await leaked(() => scoped(() => tf.zeros([2]).size))).toBe(0);
    expect(await leaked(() => expect(failing).toThrow('stop'))).toBe(0);
  });
});
