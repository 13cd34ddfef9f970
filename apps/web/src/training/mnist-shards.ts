/** Loads MNIST in shards, as many as are needed, each tried several times. What makes them is scripts/pack-mnist.mjs. */
import { ApoError } from '@apo/core';
import type { LabelledExamples, LabelledSplits } from '@apo/tasks';

/** `list.json` beside the shards. */
interface ShardList {
  readonly pixels: number;
  readonly train: readonly Shard[];
  readonly test: readonly Shard[];
}

interface Shard {
  readonly file: string;
  /** Examples in it. */
  readonly count: number;
}

export interface LoaderOptions {
  readonly fetch?: typeof globalThis.fetch;
  /** Attempts for one file. Default 3. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, twice as many before each further one. Default 400. */
  readonly delay?: number;
}

export interface Wanted {
  readonly train: number;
  readonly test: number;
}

export type OnLoaded = (loaded: number, total: number) => void;

const SIDE = 28;

/** Keeps what it has loaded, so that only what is new is fetched for another run. */
export class MnistLoader {
  private list: ShardList | undefined;
  private readonly shards = new Map<string, Uint8Array>();

  /** @param url Of the folder, ending in a slash. */
  constructor(
    private readonly url: string,
    private readonly options: LoaderOptions = {},
  ) {}

  /**
   * The first `train` and `test` examples of the two splits; `onLoaded` counts files. What was loaded before an error is kept.
   * @throws ApoError `DATA_UNAVAILABLE` when a file is still not there after the last attempt, `DATA_CORRUPT` when one is not what the list says.
   */
  async load({ train, test }: Wanted, onLoaded: OnLoaded = () => undefined): Promise<LabelledSplits> {
    this.list ??= parseList(await this.fetched('list.json'));
    const { pixels } = this.list;
    const parts = { train: firstOf(this.list.train, train), test: firstOf(this.list.test, test) };
    const all = [...parts.train, ...parts.test];
    for (const [loaded, { file, count }] of all.entries()) {
      onLoaded(loaded, all.length);
      if (this.shards.has(file)) continue;
      const bytes = await this.fetched(file);
      if (bytes.length !== count * (1 + pixels)) {
        throw new ApoError(
          'DATA_CORRUPT',
          `${this.url}${file} has ${bytes.length} bytes; expected ${count * (1 + pixels)}. Build the site again.`,
        );
      }
      this.shards.set(file, bytes);
    }
    onLoaded(all.length, all.length);
    return {
      train: this.joined(parts.train, train, pixels),
      test: this.joined(parts.test, test, pixels),
    };
  }

  private joined(shards: readonly Shard[], count: number, pixels: number): LabelledExamples {
    const labels = new Uint8Array(count);
    const inputs = new Uint8Array(count * pixels);
    let at = 0;
    for (const shard of shards) {
      const bytes = this.shards.get(shard.file)!;
      const part = Math.min(shard.count, count - at);
      labels.set(bytes.subarray(0, part), at);
      inputs.set(bytes.subarray(shard.count, shard.count + part * pixels), at * pixels);
      at += part;
    }
    return { labels, inputs, exampleShape: [SIDE, SIDE], classes: 10 };
  }

  private async fetched(file: string): Promise<Uint8Array> {
    const { fetch = globalThis.fetch, attempts = 3, delay = 400 } = this.options;
    const failures: string[] = [];
    let cause: unknown;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, delay * 2 ** (attempt - 1)));
      try {
        const response = await fetch(this.url + file);
        if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
        return await unpacked(new Uint8Array(await response.arrayBuffer()));
      } catch (error) {
        cause = error;
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
    throw new ApoError(
      'DATA_UNAVAILABLE',
      `MNIST could not be loaded: ${this.url}${file} failed ${attempts} times (${failures.join('; ')}). Check the connection; if the site is your own, that its folder mnist/ was uploaded.`,
      { cause },
    );
  }
}

/** The shards that hold the first `count` examples. @throws ApoError `DATA_CORRUPT` when there are fewer. */
function firstOf(shards: readonly Shard[], count: number): readonly Shard[] {
  let sum = 0;
  const end = shards.findIndex((shard) => (sum += shard.count) >= count);
  if (end === -1) {
    throw new ApoError(
      'DATA_CORRUPT',
      `The site has ${sum} images of a split; expected ${count}. Build it again.`,
    );
  }
  return shards.slice(0, end + 1);
}

/** A browser has undone the compression already where the server announced it. */
async function unpacked(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function parseList(bytes: Uint8Array): ShardList {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as ShardList;
  } catch (cause) {
    throw new ApoError('DATA_CORRUPT', 'The list of the MNIST files is not JSON. Build the site again.', {
      cause,
    });
  }
}
