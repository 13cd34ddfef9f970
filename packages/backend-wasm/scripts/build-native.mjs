/**
 * Compiles `assembly/` twice, for plain and for relaxed SIMD, and writes both modules, deflated together since they are nearly
 * the same, as one base64 string, with the types of their exports, to `src/native/modules.generated.ts`. Deflate sees 32 kB back,
 * so pieces of both modules take turns, each short enough for the other module's to be in sight.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import asc from 'assemblyscript/asc';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'src', 'native', 'modules.generated.ts');

/** No runtime, no data, no table: only functions over an imported memory. */
// prettier-ignore
const OPTIONS = [
  'assembly/index.ts',
  '--runtime', 'stub',
  '--importMemory',
  '--initialMemory', '0',
  '--noAssert',
  '-O3',
  '--converge',
  '--noExportMemory',
  '--bindings', 'raw',
  '--outFile', 'module.wasm',
];

const simd = await compile(['--enable', 'simd']);
const relaxed = await compile(['--enable', 'simd', '--enable', 'relaxed-simd']);

const pieces = Math.ceil(Math.max(simd.binary.length, relaxed.binary.length) / 12_000);
const piece = (binary, i) =>
  binary.subarray(Math.floor((i * binary.length) / pieces), Math.floor(((i + 1) * binary.length) / pieces));
const inTurns = Array.from({ length: pieces }, (_, i) => [piece(simd.binary, i), piece(relaxed.binary, i)]);
const deflated = deflateRawSync(Buffer.concat(inTurns.flat()), { level: 9 });
const text = `/** Written by scripts/build-native.mjs from assembly/: do not edit. */

/** Both modules in pieces, taking turns, deflated. */
export const deflatedModules =
  '${deflated.toString('base64')}';

export const simdLength = ${simd.binary.length};
export const relaxedLength = ${relaxed.binary.length};
/** Piece i of a module of n bytes reaches from ⌊i n / pieces⌋ to ⌊(i + 1) n / pieces⌋. */
export const pieces = ${pieces};

/** The functions of both modules. */
export interface NativeFunctions {
${declarations(simd.types)}
}
`;
mkdirSync(dirname(target), { recursive: true });
if (read(target) !== text) {
  writeFileSync(`${target}.part`, text);
  renameSync(`${target}.part`, target);
}
console.log(
  `native modules: ${simd.binary.length} bytes with SIMD, ${relaxed.binary.length} with relaxed SIMD, ${deflated.length} deflated together`,
);

async function compile(features) {
  const files = new Map();
  const { error, stderr } = await asc.main([...OPTIONS, ...features], {
    readFile: (name) => read(join(root, name)),
    writeFile: (name, contents) => void files.set(name, contents),
    listFiles: () => [],
  });
  if (error) {
    console.error(stderr.toString());
    process.exit(1);
  }
  return { binary: Buffer.from(files.get('module.wasm')), types: files.get('module.d.ts') };
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** The functions of the compiler's declaration file, as members of an interface. */
function declarations(types) {
  return [...types.matchAll(/^ *export function (\w+)(\(.*\)): (.*);$/gm)]
    .map(([, name, parameters, result]) => `  readonly ${name}: ${parameters} => ${result};`)
    .join('\n');
}
