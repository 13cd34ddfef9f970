/** A vitest global set-up: the processes that run the tests find SwiftShader's Vulkan, or tests learn why there is none. */
import type { TestProject } from 'vitest/node';
import { findSwiftShader } from '../../../../tools/swiftshader.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why there is no Vulkan to run on; empty where there is. */
    noVulkan: string;
  }
}

export default async function provideVulkan(project: TestProject): Promise<void> {
  const found = await findSwiftShader();
  if (found.reason === undefined) Object.assign(process.env, found.env);
  project.provide('noVulkan', found.reason ?? '');
}
