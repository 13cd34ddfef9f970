/** What defines the figure: which example is moved to where, the two weights, and along which of them the family of curves goes. */
import { choice, defineSettings, integer, number } from '../../url/settings.js';
import { EXAMPLES } from './regression.js';

export const TARGET_RANGE = [-2.2, 2.2] as const;
export const LAMBDA_FSD_RANGE = [1e-1, 1e4] as const;
export const LAMBDA_WSD_RANGE = [1e-5, 1e2] as const;

export type Varied = 'wsd' | 'fsd';

export interface ProximalSettings {
  /** Index of the example that is the batch. */
  readonly point: number;
  /** Its target, where the reader has dragged it. */
  readonly y: number;
  readonly lambdaFsd: number;
  readonly lambdaWsd: number;
  readonly vary: Varied;
}

export const settingsCodec = defineSettings<ProximalSettings>({
  point: integer({ default: 11, min: 0, max: EXAMPLES.length - 1 }),
  y: number({ default: 1.9, min: TARGET_RANGE[0], max: TARGET_RANGE[1] }),
  lambdaFsd: number({ default: 1, min: LAMBDA_FSD_RANGE[0], max: LAMBDA_FSD_RANGE[1] }),
  lambdaWsd: number({ default: 1e-3, min: LAMBDA_WSD_RANGE[0], max: LAMBDA_WSD_RANGE[1] }),
  vary: choice(['wsd', 'fsd'], 'wsd'),
});
