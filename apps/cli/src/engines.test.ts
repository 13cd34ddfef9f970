import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { activateEngine, engine, engineNames } from './engines.js';

describe('engines', () => {
  it('are called what they are', () => {
    expect(engineNames.map((name) => engine(name).name)).toEqual([...engineNames]);
  });

  it('activates cpu with a warning that says what it costs', async () => {
    const info = await activateEngine('cpu');
    expect(info).toMatchObject({ name: 'cpu', tfBackend: 'cpu', threads: 1 });
    expect(info.warning).toMatch(/20 to 200 times/);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('takes the first that works when none is named', async () => {
    const info = await activateEngine(undefined);
    const available = [];
    for (const name of engineNames) if ((await engine(name).probe()).available) available.push(name);
    expect(info.name).toBe(available[0]);
    expect(tf.getBackend()).toBe(info.tfBackend);
  });

  it('gives the reason of an engine that is named and not available', async () => {
    const before = process.env['APO_TFJS_NODE'];
    process.env['APO_TFJS_NODE'] = '/nowhere/at/all';
    try {
      await expect(activateEngine('node')).rejects.toThrow(
        /^The engine node is not available: .*\/nowhere\/at\/all/,
      );
    } finally {
      if (before === undefined) delete process.env['APO_TFJS_NODE'];
      else process.env['APO_TFJS_NODE'] = before;
    }
  });
});
