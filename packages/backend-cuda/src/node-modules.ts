/** Node's own modules, fetched at run time: a static import of them would break a bundle for browsers. */
import type * as childProcess from 'node:child_process';
import type * as fs from 'node:fs';
import type * as module from 'node:module';
import type * as path from 'node:path';

export interface NodeModules {
  readonly childProcess: typeof childProcess;
  readonly fs: typeof fs;
  readonly module: typeof module;
  readonly path: typeof path;
}

/** `undefined` outside Node. */
export function nodeModules(): NodeModules | undefined {
  const here = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  if (here?.versions?.node === undefined || here.getBuiltinModule === undefined) return undefined;
  return {
    childProcess: here.getBuiltinModule('node:child_process'),
    fs: here.getBuiltinModule('node:fs'),
    module: here.getBuiltinModule('node:module'),
    path: here.getBuiltinModule('node:path'),
  };
}
