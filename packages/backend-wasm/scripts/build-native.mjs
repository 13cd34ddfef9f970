/**
 * Compiles `assembly/` twice, for plain and for relaxed SIMD, and writes both modules, deflated together since they are nearly
 * the same, as one base64 string, with the types of their exports, to `src/native/modules.generated.ts`. Pieces of the two take
 * turns: deflate finds a repetition only within 32 KiB, less than a module is long.
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

const PIECE = 8192;

const simd = await compile(['--enable', 'simd']);
const relaxed = await compile(['--enable', 'simd', '--enable', 'relaxed-simd']);

const deflated = deflateRawSync(inTurns([simd.binary, relaxed.binary]), { level: 9 });
const text = `/** Written by scripts/build-native.mjs from assembly/: do not edit. */

/** Both modules, deflated: a piece of the first, a piece of the second, the next piece of the first, … */
export const deflatedModules =
  '${deflated.toString('base64')}';

/** Bytes of a piece. */
export const pieceLength = ${PIECE};
export const simdLength = ${simd.binary.length};
export const relaxedLength = ${relaxed.binary.length};

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

function inTurns(binaries) {
  const pieces = [];
  const length = Math.max(...binaries.map((binary) => binary.length));
  for (let at = 0; at < length; at += PIECE) {
    for (const binary of binaries) pieces.push(binary.subarray(at, at + PIECE));
  }
  return Buffer.concat(pieces);
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
