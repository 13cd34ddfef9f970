/** The pure modules, in Node; what needs a page is in test/ and runs by vitest.browser.config.ts. */
import { mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

const config = mergeConfig(shared, {});
config.test!.include = ['src/**/*.test.ts', 'src/**/*.test.tsx', 'scripts/**/*.test.ts'];
export default config;
