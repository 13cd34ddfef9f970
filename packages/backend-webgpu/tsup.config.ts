import { defineConfig } from 'tsup';
import { library } from '../../tsup.shared.ts';

// `shims`: the CommonJS build needs import.meta.url, to look for Dawn from its own folder.
export default defineConfig({
  ...library,
  entry: ['src/index.ts', 'src/register.ts'],
  splitting: true,
  shims: true,
});
