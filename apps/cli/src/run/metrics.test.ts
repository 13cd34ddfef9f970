import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inFolder } from '../testing/test-io.js';
import { MetricsWriter, readMetrics } from './metrics.js';

const line = (step: number): { step: number; loss: number; learningRate: number } => ({
  step,
  loss: 1 / step,
  learningRate: 0.1,
});

describe('MetricsWriter', () => {
  it('writes a JSON object a line, in the file at once', () =>
    inFolder((folder) => {
      const path = join(folder, 'metrics.jsonl');
      const writer = new MetricsWriter(path);
      writer.write(line(1));
      expect(readFileSync(path, 'utf8')).toBe('{"step":1,"loss":1,"learningRate":0.1}\n');
      writer.write(line(2));
      writer.close();
      writer.close();
      expect(readMetrics(path)).toEqual([line(1), line(2)]);
    }));

  it('starts anew, or keeps the lines up to a step and goes on after them', () =>
    inFolder((folder) => {
      const path = join(folder, 'metrics.jsonl');
      writeFileSync(path, [1, 2, 3, 4].map((step) => `${JSON.stringify(line(step))}\n`).join(''));
      const resumed = new MetricsWriter(path, 2);
      resumed.write(line(3));
      resumed.close();
      expect(readMetrics(path)).toEqual([line(1), line(2), line(3)]);
      new MetricsWriter(path).close();
      expect(readMetrics(path)).toEqual([]);
    }));

  it('continues a file whose last line was cut off', () =>
    inFolder((folder) => {
      const path = join(folder, 'metrics.jsonl');
      writeFileSync(path, `${JSON.stringify(line(1))}\n{"step":2,"lo`);
      const writer = new MetricsWriter(path, 1);
      writer.write(line(2));
      writer.close();
      expect(readMetrics(path)).toEqual([line(1), line(2)]);
    }));
});

describe('readMetrics', () => {
  it.each(['not JSON', '[1]', 'null', '{"loss":1}', '{"step":1.5}'])('names the line when it is %s', (text) =>
    inFolder((folder) => {
      const path = join(folder, 'metrics.jsonl');
      writeFileSync(path, `${JSON.stringify(line(1))}\n`);
      appendFileSync(path, `${text}\n${JSON.stringify(line(3))}\n`);
      expect(() => readMetrics(path)).toThrow(`${path}:2 is not a metrics line`);
    }),
  );
});
