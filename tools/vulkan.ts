/**
 * A vitest global set-up for tests that run on WebGPU: their processes find SwiftShader's Vulkan, or with APO_VULKAN=system the machine's. Where
 * there is none, the engine says so when it is activated.
 */
import { findSwiftShader } from './swiftshader.mjs';

export default async function provideVulkan(): Promise<void> {
  const found = await findSwiftShader();
  if (found.reason === undefined) Object.assign(process.env, found.env);
  else console.log(`No Vulkan for tests on WebGPU: ${found.reason}.`);
}
