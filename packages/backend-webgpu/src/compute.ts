/**
 * A dispatch of WGSL of our own with any number of outputs. TensorFlow.js generates a shader with one output around a program's code; a program
 * whose pipeline is in the backend's cache beforehand is run as it is, and takes part in its queue, buffer pool and timers.
 */
import type { WebGPUBackend, WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { stockKernels } from './stock.js';

/** Threads of a workgroup, the largest that every device has. */
export const WORKGROUP = 256;

/** What WGSL calls an extension; the device must have the feature that it belongs to. */
export type Extension = 'f16' | 'subgroups';

export interface Shader {
  /** Names the code that `code` gives: equal keys, equal code. */
  readonly key: string;
  /** The storage buffers, each an array; those that are only named are of f32. */
  readonly outputs: readonly (string | Field)[];
  readonly inputs: readonly (string | Field)[];
  /** Names of the uniforms, numbers of 4 bytes; in the code they are fields of `uniforms`. */
  readonly uniforms: readonly Field[];
  /** Threads of a workgroup. Default `WORKGROUP`. */
  readonly threads?: number;
  readonly extensions?: readonly Extension[];
  /**
   * Declarations outside of the entry point, and its body, where `tile` is the number of the workgroup, `local` that of the thread in it and,
   * with subgroups, `lane` that of the thread in its subgroup (all u32).
   */
  readonly code: () => { readonly declarations?: string; readonly body: string };
}

export interface Field {
  readonly name: string;
  /** `vec4f` for buffers alone. */
  readonly type: 'f32' | 'i32' | 'vec4f';
}

export interface Dispatch {
  /** All must be used by the code, and no output may be an input, too. */
  readonly outputs: readonly tf.TensorInfo[];
  readonly inputs: readonly tf.TensorInfo[];
  /** In the order of the shader's. */
  readonly uniforms: readonly number[];
  /** Number of workgroups, ≥ 1; the code must ignore tiles beyond it, since a large number is rounded up to a grid. */
  readonly workgroups: number;
}

/** A new tensor on the backend; the caller owns it. */
export function allocate(backend: WebGPUBackend, shape: readonly number[]): tf.TensorInfo {
  return backend.makeTensorInfo([...shape], 'float32');
}

export function sizeOf({ shape }: tf.TensorInfo): number {
  return tf.util.sizeFromShape(shape);
}

/** How many storage buffers a shader may have. */
export function bufferLimit(backend: WebGPUBackend): number {
  return backend.device.limits.maxStorageBuffersPerShaderStage;
}

/** Enqueues one dispatch; nothing is waited for. */
export function compute(backend: WebGPUBackend, shader: Shader, call: Dispatch): void {
  const [first, ...others] = call.outputs;
  const cache = (backend as unknown as { pipelineCache: Record<string, GPUComputePipeline> }).pipelineCache;
  const shaderKey = `apo_${shader.key}`;
  cache[shaderKey] ??= compile(backend.device, shaderKey, shaderSource(shader));
  const program = {
    shaderKey,
    // The kind of program that has no shapes in its uniforms and keeps its key.
    pixelsOpType: 0,
    variableNames: [],
    outputShape: [],
    dispatchLayout: { x: [0] },
    dispatch: [call.workgroups, 1, 1],
    workgroupSize: [shader.threads ?? WORKGROUP, 1, 1],
    getUserCode: () => '',
  };
  const uniforms = shader.uniforms.map(({ type }, i) => ({
    type: type === 'f32' ? 'float32' : 'int32',
    data: [call.uniforms[i]!],
  }));
  const inputs = call.inputs.map((tensor, i) => asDeclared(backend, tensor, shader.inputs[i]!));
  // Outputs have no values on the CPU, so that `uploadToGPU` of them only reserves a buffer.
  backend.runWebGPUProgram(
    program as unknown as WebGPUProgram,
    [...others, ...inputs],
    'float32',
    uniforms,
    flat(first!),
  );
  inputs.forEach(({ dataId }, i) => {
    if (dataId !== call.inputs[i]!.dataId) backend.disposeData(dataId);
  });
}

/**
 * The tensor as the shader reads it. TensorFlow.js casts integers and truth values to float32 in name only: the buffer keeps them, and its own
 * programs look what it holds.
 */
function asDeclared(backend: WebGPUBackend, tensor: tf.TensorInfo, field: string | Field): tf.TensorInfo {
  const { tensorMap } = backend as unknown as {
    readonly tensorMap: { get(dataId: object): { readonly dtype: tf.DataType } | undefined };
  };
  const isFloat = typeof field === 'string' || field.type !== 'i32';
  if (!isFloat || tensorMap.get(tensor.dataId)?.dtype === 'float32') return tensor;
  const one = backend.makeTensorInfo([], 'float32', new Float32Array([1]));
  const floats = stockKernels.run('Multiply', { a: { ...tensor, dtype: 'float32' }, b: one }, backend);
  backend.disposeData(one.dataId);
  return floats;
}

/** The one uniform that TensorFlow.js adds is the output's strides, one number when it is a vector. */
function flat(tensor: tf.TensorInfo): tf.TensorInfo {
  return { ...tensor, shape: [sizeOf(tensor)] };
}

/** The whole WGSL of a shader. */
export function shaderSource({
  outputs,
  inputs,
  uniforms,
  threads = WORKGROUP,
  extensions = [],
  code,
}: Shader): string {
  const { declarations = '', body } = code();
  const field = (buffer: string | Field): Field =>
    typeof buffer === 'string' ? { name: buffer, type: 'f32' } : buffer;
  const buffers = [
    ...outputs.map((buffer) => ({ ...field(buffer), access: 'read_write' })),
    ...inputs.map((buffer) => ({ ...field(buffer), access: 'read' })),
  ];
  return `
${extensions.map((name) => `enable ${name};`).join('\n')}
struct Uniforms { strides: i32, ${uniforms.map(({ name, type }) => `${name}: ${type}`).join(', ')} }
${buffers.map(({ name, type, access }, i) => `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`).join('\n')}
@group(0) @binding(${buffers.length}) var<uniform> uniforms: Uniforms;
${declarations}
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,${extensions.includes('subgroups') ? '\n  @builtin(subgroup_invocation_id) lane: u32,' : ''}
) {
  let tile = workgroup.x + workgroups.x * (workgroup.y + workgroups.y * workgroup.z);
${body}
}`;
}

function compile(device: GPUDevice, label: string, code: string): GPUComputePipeline {
  const module = device.createShaderModule({ code, label });
  return device.createComputePipeline({ label, layout: 'auto', compute: { module, entryPoint: 'main' } });
}
