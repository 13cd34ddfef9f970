/** Compiles a few lines of AssemblyScript to a module over a shared memory, for the tests of the threads. Not published. */
import asc from 'assemblyscript/asc';
import { ApoError } from '@apo/core';

/** A module that imports `env.memory`, shared, of at most `pages` pages. */
export async function compileShared(source: string, pages: number): Promise<WebAssembly.Module> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const options = [
    'source.ts',
    '--runtime', 'stub',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory', '1',
    '--maximumMemory', String(pages),
    '--enable', 'threads',
    '--noExportMemory',
    '--bindings', 'raw',
    '--outFile', 'module.wasm',
    '-O',
  ]; // prettier-ignore
  const { error } = await asc.main(options, {
    readFile: (name) => (name === 'source.ts' ? source : null),
    writeFile: (name, contents) => {
      if (name === 'module.wasm') binary = new Uint8Array(contents as Uint8Array);
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `The source does not compile: ${error?.message ?? 'no binary was written'}`,
    );
  }
  return new WebAssembly.Module(binary);
}
