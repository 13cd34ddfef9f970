import { describe, expect, it } from 'vitest';
import { parseLookahead, recordSettings, resolveSettings, resumeSettings } from './settings.js';
import type { RunSettings } from './settings.js';

const task = { defaults: { batchSize: 50, steps: 400, interval: 7, trainLossExamples: 100 } };
const settings: RunSettings = {
  task: 'digits',
  optimizer: 'sgd-apo',
  seed: 1,
  logEvery: 10,
  checkpointEvery: 500,
};
const forty = (): number => 40;

describe('resolveSettings', () => {
  it("fills in the task's, the optimizer's and the paper's defaults", () => {
    expect(resolveSettings(settings, task, forty)).toEqual({
      ...settings,
      preset: 'auto',
      interval: 7,
      lambdaFsd: 0.3,
      lambdaWsd: 0,
      batchSize: 50,
      learningRate: 0.01,
      steps: 400,
    });
  });

  it('keeps the meta-objective out of a fixed rate', () => {
    const resolved = resolveSettings(
      { ...settings, optimizer: 'adam', learningRate: 0.2, steps: 3 },
      task,
      forty,
    );
    expect(resolved).toEqual({ ...settings, optimizer: 'adam', learningRate: 0.2, steps: 3, batchSize: 50 });
  });

  it('counts epochs in steps, and refuses them where there are none', () => {
    const batches = (batchSize: number): number => 2000 / batchSize;
    const resolved = resolveSettings({ ...settings, epochs: 3, batchSize: 25 }, task, batches);
    // 3 passes over 2,000 examples in batches of 25.
    expect(resolved.steps).toBe(240);
    expect('epochs' in resolved).toBe(false);
    expect(() => resolveSettings({ ...settings, epochs: 3 }, task, () => Infinity)).toThrow('has no epochs');
  });
});

describe('resumeSettings', () => {
  const resolved = resolveSettings({ ...settings, lookahead: { factor: 4 }, engine: 'wasm' }, task, forty);
  const recorded: unknown = JSON.parse(JSON.stringify(recordSettings(resolved)));
  const record = recorded as Record<string, unknown>;

  it('gives back what was recorded', () => {
    expect(resumeSettings(record, { task: 'digits' })).toEqual(resolved);
  });

  it('takes a new length and new frequencies', () => {
    const given = { task: 'digits', steps: 900, logEvery: 1 };
    expect(resumeSettings(record, given)).toEqual({ ...resolved, steps: 900, logEvery: 1 });
    expect(resumeSettings(record, { task: 'digits', epochs: 9 })).toEqual({
      ...resolved,
      steps: undefined,
      epochs: 9,
    });
  });

  it('accepts the same option again and refuses another', () => {
    expect(resumeSettings(record, { task: 'digits', lookahead: { factor: 4 } })).toEqual(resolved);
    expect(() => resumeSettings(record, { task: 'digits', lookahead: 'step' })).toThrow(
      '--lookahead is step',
    );
    expect(() => resumeSettings(record, { task: 'mnist-mlp' })).toThrow('The task is mnist-mlp');
    expect(() => resumeSettings(record, { task: 'digits', momentum: 0.5 })).toThrow(
      'started with its default',
    );
  });
});

describe('parseLookahead', () => {
  it('knows the names and factors', () => {
    expect(parseLookahead('committed')).toBe('committed');
    expect(parseLookahead('2.5')).toEqual({ factor: 2.5 });
    for (const text of ['', 'far', '0', '-1', 'Infinity']) {
      expect(() => parseLookahead(text)).toThrow('expected step, committed, or a factor');
    }
  });
});
