import type { LaunchOptions } from 'playwright';

/** What names a Chromium: its executable and a folder of shared libraries that it needs. */
export interface ChromiumVariables {
  readonly APO_CHROMIUM?: string | undefined;
  readonly APO_CHROMIUM_LIBRARIES?: string | undefined;
}

export declare const CHROMIUM_FLAGS: readonly string[];
export declare const WEBGPU_FLAGS: readonly string[];
export declare function launchOptions(variables: ChromiumVariables): LaunchOptions;
export declare function findChromium(): Promise<
  | {
      readonly env: ChromiumVariables;
      readonly version: string;
      readonly reason?: undefined;
    }
  | { readonly reason: string }
>;
