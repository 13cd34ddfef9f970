import { fileStore } from '@apo/tasks/node';
import { describe, expect, it } from 'vitest';
import { diagnoseData } from './data.js';
import { inFolder } from './testing/test-io.js';

describe('diagnoseData', () => {
  it('names the files that are missing, and where they were looked for', () =>
    inFolder((folder) => {
      const store = { ...fileStore({ folder }), locate: () => undefined };
      const [mnist] = diagnoseData(store);
      expect(mnist).toMatchObject({ name: 'mnist', available: false });
      expect(mnist!.reason).toContain('train-images-idx3-ubyte');
      expect(mnist!.reason).toContain(folder);
      expect(mnist!.remedy).toContain('APO_DATA_DIR');
    }));
});
