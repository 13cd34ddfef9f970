import { defineConfig } from 'tsup';
import { library } from '../../tsup.shared.ts';

/** `index` runs everywhere; `node` adds the file system. `shims` gives the CommonJS build an `import.meta.url`. */
export default defineConfig({ ...library, entry: ['src/index.ts', 'src/node.ts'], shims: true });
