/** The adapter and the device: which limits and features are asked for, and what is told about them. */
import type { Availability } from '@apo/core';
import type { Host } from './host.js';
import { SOFTWARE } from './software.js';
import type { Refusal } from './refusal.js';
import { messageOf } from './refusal.js';

export type PowerPreference = 'high-performance' | 'low-power';

/** `GPUAdapterInfo` of today; the types that TensorFlow.js brings are older. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** Name and version of the driver, where the implementation tells. */
  readonly description: string;
  readonly software: boolean;
}

export type AdapterResult =
  { readonly adapter: GPUAdapter; readonly facts: AdapterFacts } | { readonly refusal: Refusal };

/** What larger tensors, more workgroups and more variables in one dispatch need; the adapter's own maxima are asked for. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** `timestamp-query` for `tf.time` and `tf.profile`; the others for kernels that look for them. */
const FEATURES = ['timestamp-query', 'shader-f16', 'subgroups'];

export async function findAdapter(host: Host, powerPreference: PowerPreference): Promise<AdapterResult> {
  try {
    const adapter = await host.gpu.requestAdapter({ powerPreference });
    if (adapter !== null) return { adapter, facts: describe(adapter) };
    return {
      refusal: { reason: `${host.implementation} finds no graphics adapter.`, remedy: host.remedy },
    };
  } catch (cause) {
    return {
      refusal: {
        reason: `${host.implementation} gives no graphics adapter: ${messageOf(cause)}.`,
        remedy: host.remedy,
        cause,
      },
    };
  }
}

/** @throws what the implementation rejects with. */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const features = FEATURES.filter((name) => adapter.features.has(name));
  return adapter.requestDevice({
    label: '@apo/backend-webgpu',
    // Names that the older types do not know are strings like the others.
    requiredFeatures: features as GPUFeatureName[],
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
}

function describe(adapter: GPUAdapter): AdapterFacts {
  const { info = {}, isFallbackAdapter = false } = adapter as {
    readonly info?: Partial<AdapterFacts> & { readonly isFallbackAdapter?: boolean };
    readonly isFallbackAdapter?: boolean;
  };
  const { vendor = '', architecture = '', device = '', description = '' } = info;
  const software =
    isFallbackAdapter ||
    info.isFallbackAdapter === true ||
    SOFTWARE.test(`${architecture} ${device} ${description}`);
  return { vendor, architecture, device, description, software };
}

/** For `apo doctor`: vendor, driver, limits and features. */
export function details(
  host: Host,
  { features, limits }: Pick<GPUDevice, 'features' | 'limits'>,
  { vendor, architecture, device, description, software }: AdapterFacts,
): NonNullable<Availability['details']> {
  const named = { vendor, architecture, device, driver: description };
  return {
    implementation: host.implementation,
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== '')),
    software,
    features: FEATURES.filter((name) => features.has(name)).join(' ') || 'none',
    ...Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
  };
}

export const SOFTWARE_WARNING =
  'This adapter is a software renderer without a GPU: it is for tests, the wasm engine is many times faster.';
