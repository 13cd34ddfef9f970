import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inFolder } from '../testing/test-io.js';
import { ChildMeter, serveMeter } from './child-meter.js';
import type { MeterReply, MeterRequest } from './child-meter.js';

const subject = { model: 'mlp', rule: 'adam' } as const;
const minimum = { steps: 2, seconds: 0 };

/** Starts a program of a few lines in the place of ours. */
function withScript<T>(source: string, body: (script: string) => Promise<T>): Promise<T> {
  return inFolder((folder) => {
    const script = join(folder, 'stand-in.mjs');
    writeFileSync(script, source);
    return body(script);
  });
}

describe('ChildMeter', () => {
  it('starts the engine with its threads, asks, and ends the process', () =>
    withScript(
      `process.on('message', ({ id, minimum, subject }) => {
         if (subject.model === 'lenet') process.send({ id, error: 'no such kernel' });
         else process.send(minimum ? { id, measurement: { steps: minimum.steps, seconds: 0.5 } } : { id });
       });
       const [command, engine, option, threads] = process.argv.slice(2);
       process.send({ ready: command === 'bench-meter' && engine === 'wasm' && option === '--threads', threads: Number(threads) });`,
      async (script) => {
        const meter = await ChildMeter.start(script, 'wasm', 3);
        expect(meter.threads).toBe(3);
        await meter.prepare(subject);
        expect(await meter.measure(subject, minimum)).toEqual({ steps: 2, seconds: 0.5 });
        await expect(meter.prepare({ model: 'lenet', rule: 'adam' })).rejects.toThrow('no such kernel');
        await meter.dispose();
        await meter.dispose();
      },
    ));

  it("gives the engine's reason when it cannot start, also without a word", async () => {
    await withScript(
      `process.send({ ready: false, reason: 'not installed' }); process.on('message', () => {});`,
      (script) => expect(ChildMeter.start(script, 'node', undefined)).rejects.toThrow('not installed'),
    );
    await withScript('process.exit(7);', (script) =>
      expect(ChildMeter.start(script, 'node', undefined)).rejects.toThrow('ended with exit code 7'),
    );
  });

  it('rejects what is under way when the process dies', () =>
    withScript(
      `process.on('message', () => process.kill(process.pid, 'SIGKILL')); process.send({ ready: true, threads: 1 });`,
      async (script) => {
        const meter = await ChildMeter.start(script, 'wasm', undefined);
        await expect(meter.measure(subject, minimum)).rejects.toThrow('ended with signal SIGKILL');
        await meter.dispose();
      },
    ));
});

describe('serveMeter', () => {
  /** The child's end of a channel, without a process. */
  class Channel extends EventEmitter {
    readonly sent: unknown[] = [];
    connected = true;

    send(message: unknown): boolean {
      this.sent.push(message);
      return true;
    }

    disconnect(): void {
      this.connected = false;
      this.emit('disconnect');
    }
  }

  it('answers in order, reports errors in one line, and disposes the meter at the end', async () => {
    const channel = new Channel();
    let disposed = false;
    const served = serveMeter(
      () =>
        Promise.resolve({
          threads: 2,
          meter: {
            engine: 'wasm',
            prepare: () => Promise.reject(new Error('Kernel missing\nat somewhere')),
            measure: (_, { steps }) => Promise.resolve({ steps, seconds: 1 }),
            dispose: () => {
              disposed = true;
              return Promise.resolve();
            },
          },
        }),
      channel,
    );
    await new Promise(setImmediate);
    channel.emit('message', { id: 1, subject } satisfies MeterRequest);
    channel.emit('message', { id: 2, subject, minimum } satisfies MeterRequest);
    await new Promise(setImmediate);
    expect(channel.sent).toEqual([
      { ready: true, threads: 2 },
      { id: 1, error: 'Kernel missing' } satisfies MeterReply,
      { id: 2, measurement: { steps: 2, seconds: 1 } } satisfies MeterReply,
    ]);
    channel.disconnect();
    await served;
    expect(disposed).toBe(true);
  });

  it('closes the channel when the engine cannot start, so that the process ends', async () => {
    const channel = new Channel();
    await serveMeter(() => Promise.reject(new Error('no engine')), channel);
    expect(channel.sent).toEqual([{ ready: false, reason: 'no engine' }]);
    expect(channel.connected).toBe(false);
  });
});
