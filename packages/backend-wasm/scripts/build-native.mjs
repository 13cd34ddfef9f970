/**
 * Compiles `assembly/` twice, for plain and for relaxed SIMD, and writes both modules as text, with the types of their exports, to
 * `src/native/modules.generated.ts`. The text is not compressed: it has a character for almost every byte, so that the gzip of
 * whoever delivers it packs it as well as the modules themselves (base64 would hide repetitions). Pieces of the two take turns,
 * since they are nearly the same, and gzip finds a repetition only within 32 KiB, less than a module is long.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
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

const PIECE = 16384;

/** The characters of the text are printable ones of ASCII that nobody has to write otherwise in a string of a script. */
const ALPHABET = characters(' ', '|').filter((character) => !`"$'<\\\``.includes(character));
/** These stand before a character of the second and of the third page. */
const ESCAPES = ['}', '~'];

const simd = await compile(['--enable', 'simd']);
const relaxed = await compile(['--enable', 'simd', '--enable', 'relaxed-simd']);

const pieces = inTurns([simd.binary, relaxed.binary]);
const { encoded, frequent } = textOf(pieces);
const text = `/** Written by scripts/build-native.mjs from assembly/: do not edit. */

/** Both modules: a piece of the first, a piece of the second, the next piece of the first, …; see \`module-bytes.ts\`. */
export const moduleText =
  '${encoded}';

/** The bytes of the first page, in hexadecimal. */
export const frequentBytes = '${frequent.toString('hex')}';

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
  `native modules: ${simd.binary.length} bytes with SIMD, ${relaxed.binary.length} with relaxed SIMD, ${gzipSync(encoded).length} together after gzip`,
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

/** The most frequent bytes become a character each, the others, in their order, two: an escape and a character. */
function textOf(binary) {
  const counts = new Array(256).fill(0);
  for (const byte of binary) counts[byte]++;
  const byFrequency = [...counts.keys()].sort((p, q) => counts[q] - counts[p] || p - q);
  const frequent = byFrequency.slice(0, ALPHABET.length).sort((p, q) => p - q);
  const others = byFrequency.slice(ALPHABET.length).sort((p, q) => p - q);
  const text = [];
  frequent.forEach((byte, i) => (text[byte] = ALPHABET[i]));
  others.forEach((byte, i) => {
    text[byte] = ESCAPES[Math.floor(i / ALPHABET.length)] + ALPHABET[i % ALPHABET.length];
  });
  return { encoded: Array.from(binary, (byte) => text[byte]).join(''), frequent: Buffer.from(frequent) };
}

function characters(first, last) {
  const [from, to] = [first.charCodeAt(0), last.charCodeAt(0)];
  return Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i));
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
