import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inFolder } from '../testing/test-io.js';
import { summary } from '../testing/runs.js';
import { readSummary, summaryPath, writeSummary } from './summary.js';

describe('summary.json', () => {
  it('comes back as it was written', () =>
    inFolder((folder) => {
      expect(readSummary(folder)).toBeUndefined();
      writeSummary(
        folder,
        summary({ trainLoss: null, failed: true, reason: 'The loss became NaN at step 3.' }),
      );
      expect(readSummary(folder)).toEqual(
        summary({ trainLoss: null, failed: true, reason: 'The loss became NaN at step 3.' }),
      );
    }));

  it.each(['', '{', '[]', '{"task":"digits"}'])('is refused when it is %j', (text) =>
    inFolder((folder) => {
      writeFileSync(summaryPath(folder), text);
      expect(() => readSummary(folder)).toThrow('is not the summary of a run');
    }),
  );
});
