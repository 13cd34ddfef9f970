/** What this machine offers: engines with the reason where one is refused, the versions that matter, the data sets found. */
import { cpus, release, totalmem } from 'node:os';
import type { Availability } from '@apo/core';
import * as tf from '@tensorflow/tfjs-core';
import { engine, engineNames } from './engines.js';
import type { EngineName } from './engines.js';

export interface EngineDiagnosis extends Availability {
  readonly name: EngineName;
  /** True for the engine that `apo run` uses when none is named. */
  readonly isDefault: boolean;
  /** On which it computes; absent when it is not available. */
  readonly threads?: number;
}

export interface DataDiagnosis {
  readonly name: string;
  readonly available: boolean;
  /** Where it was found. */
  readonly path?: string;
  readonly reason?: string;
  readonly remedy?: string;
}

export interface Diagnosis {
  readonly versions: Readonly<Record<'apo' | 'node' | 'v8' | 'tfjs', string>>;
  readonly system: {
    readonly platform: string;
    readonly release: string;
    readonly architecture: string;
    readonly processor: string;
    readonly logicalCores: number;
    readonly memoryBytes: number;
  };
  readonly engines: readonly EngineDiagnosis[];
  readonly data: readonly DataDiagnosis[];
}

/** Probes every engine, one after the other; changes nothing. */
export async function diagnoseEngines(): Promise<EngineDiagnosis[]> {
  const found: EngineDiagnosis[] = [];
  for (const name of engineNames) {
    const availability = await engine(name).probe();
    const isDefault = availability.available && !found.some((other) => other.isDefault);
    const threads = availability.details?.['threads'];
    found.push({
      name,
      isDefault,
      ...availability,
      ...(availability.available && { threads: typeof threads === 'number' ? threads : 1 }),
    });
  }
  return found;
}

export async function diagnose(apoVersion: string, data: readonly DataDiagnosis[]): Promise<Diagnosis> {
  const processors = cpus();
  return {
    versions: {
      apo: apoVersion,
      node: process.versions.node,
      v8: process.versions.v8,
      tfjs: tf.version_core,
    },
    system: {
      platform: process.platform,
      release: release(),
      architecture: process.arch,
      processor: processors[0]?.model.trim() ?? 'unknown',
      logicalCores: processors.length,
      memoryBytes: totalmem(),
    },
    engines: await diagnoseEngines(),
    data,
  };
}

/** The diagnosis as text. */
export function describeDiagnosis({ versions, system, engines, data }: Diagnosis): string {
  return [
    `apo ${versions.apo}, TensorFlow.js ${versions.tfjs}, Node ${versions.node} (V8 ${versions.v8})`,
    `${system.platform} ${system.release} ${system.architecture}, ${system.processor}, ${system.logicalCores} logical cores, ${(system.memoryBytes / 2 ** 30).toFixed(1)} GiB memory`,
    '',
    'Engines, in the order in which they are tried:',
    ...engines.flatMap(describeEngine),
    '',
    'Data sets:',
    ...data.flatMap(({ name, available, path, reason, remedy }) => [
      `  ${available ? 'yes' : 'no '}  ${name}${path === undefined ? '' : `: ${path}`}`,
      ...indent(reason, remedy),
    ]),
  ].join('\n');
}

function describeEngine({
  name,
  isDefault,
  available,
  reason,
  remedy,
  warning,
  threads,
  details,
}: EngineDiagnosis): string[] {
  const facts = Object.entries({ ...details, ...(threads !== undefined && { threads }) }).map(
    ([key, value]) => `${key} ${describeValue(value)}`,
  );
  return [
    `  ${available ? 'yes' : 'no '}  ${name}${isDefault ? ' (default)' : ''}`,
    ...indent(reason, remedy, warning, facts.length === 0 ? undefined : facts.join(', ')),
  ];
}

function describeValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

function indent(...lines: readonly (string | undefined)[]): string[] {
  return lines.filter((line) => line !== undefined).map((line) => `       ${line}`);
}
