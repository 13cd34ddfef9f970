import { defineConfig } from 'tsup';
import { library } from '../../tsup.shared.ts';

// `shims`: the CommonJS build needs import.meta.url, to look for tfjs-node from its own folder.
export default defineConfig({ ...library, shims: true });
