/** WebGPU in Node: loads Dawn from the npm package `webgpu`, an optional peer, without importing it statically (pages have no use for it). */
import type { Refusal } from './refusal.js';
import { messageOf } from './refusal.js';

/** The part of the package that is used here. */
interface DawnPackage {
  create(options: string[]): GPU;
  readonly globals: Readonly<Record<string, unknown>>;
}

export interface Dawn {
  readonly gpu: GPU;
  /** What a page has as globals: `GPUBuffer`, `GPUBufferUsage`, … */
  readonly globals: Readonly<Record<string, unknown>>;
  readonly version: string;
}

export type DawnResult = { readonly dawn: Dawn } | { readonly refusal: Refusal };

type Node = Pick<NodeJS.Process, 'getBuiltinModule' | 'platform' | 'arch' | 'cwd'>;

/** `undefined` outside Node. */
export function nodeProcess(): Node | undefined {
  const here = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  return here?.versions?.node === undefined || here.getBuiltinModule === undefined
    ? undefined
    : (here as Node);
}

const PACKAGE = 'webgpu';

/**
 * Instances by package and options, kept as long as the process lives: when one is collected while a device of it works, Dawn crashes, and
 * keeping it does not keep the process alive.
 */
const instances = new Map<string, GPU>();

/** Dawn rounds timestamps to 65.536 µs, longer than most kernels, so that pages cannot time one another; a program of its own in Node has no such neighbours. */
const EXACT_TIMES = 'disable-dawn-features=timestamp_quantization';

/** What the user says about Dawn's features stands. */
function withExactTimes(options: readonly string[]): string[] {
  return options.some((option) => option.startsWith('disable-dawn-features='))
    ? [...options]
    : [...options, EXACT_TIMES];
}

/** Starts Dawn with `options` of its own (`backend=vulkan`, `adapter=…`); the package is the one beside this one or beside the program. */
export async function loadDawn(node: Node, options: readonly string[]): Promise<DawnResult> {
  const { createRequire } = node.getBuiltinModule('node:module');
  const { pathToFileURL } = node.getBuiltinModule('node:url');
  const { join, dirname } = node.getBuiltinModule('node:path');
  const entry = [import.meta.url, join(node.cwd(), 'package.json')]
    .map((start) => resolveFrom(createRequire(start)))
    .find((path) => path !== undefined);
  if (entry === undefined) {
    return refuse(
      `The npm package ${PACKAGE} (Dawn, WebGPU for Node) is not installed.`,
      `Install it with "npm install ${PACKAGE}".`,
    );
  }
  try {
    const specifier = pathToFileURL(entry).href;
    const loaded = (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as DawnPackage;
    const { version } = JSON.parse(
      node.getBuiltinModule('node:fs').readFileSync(join(dirname(entry), 'package.json'), 'utf8'),
    ) as { version?: string };
    const key = JSON.stringify([entry, ...options]);
    const gpu = instances.get(key) ?? loaded.create(withExactTimes(options));
    instances.set(key, gpu);
    return { dawn: { gpu, globals: loaded.globals, version: version ?? 'unknown' } };
  } catch (cause) {
    return refuse(
      `The npm package ${PACKAGE} in ${dirname(entry)} does not load: ${messageOf(cause)}.`,
      `Install it again on this machine (${node.platform}, ${node.arch}); it has libraries for Linux and Windows on x64 and arm64, and for macOS.`,
      cause,
    );
  }
}

function resolveFrom(require: NodeJS.Require): string | undefined {
  try {
    return require.resolve(PACKAGE);
  } catch {
    return undefined;
  }
}

function refuse(reason: string, remedy: string, cause?: unknown): { refusal: Refusal } {
  return { refusal: { reason, remedy, ...(cause !== undefined && { cause }) } };
}
