import { describe, expect, it } from 'vitest';
import { PeerMeter } from './peer-meter.js';

const subject = { model: 'mlp', rule: 'momentum' } as const;

/** A peer that greets, then does what `source` says with each line. */
const peer = (source: string): string[] => [
  process.execPath,
  '-e',
  `console.log('{"name":"rival","threads":2}');
   require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => { ${source} });`,
];

describe('PeerMeter', () => {
  it('asks one line at a time and ends the program', async () => {
    const meter = await PeerMeter.start(
      peer(`const { minimum } = JSON.parse(line);
            console.log(JSON.stringify(minimum ? { measurement: { steps: minimum.steps, seconds: 0.5 } } : {}));`),
    );
    expect([meter.name, meter.threads]).toEqual(['rival', 2]);
    await meter.prepare(subject);
    expect(await meter.measure(subject, { steps: 3, seconds: 0 })).toEqual({ steps: 3, seconds: 0.5 });
    await meter.dispose();
    await meter.dispose();
  });

  it('passes on what the program cannot', async () => {
    const meter = await PeerMeter.start(peer(`console.log('{"error":"no such layer"}');`));
    await expect(meter.prepare(subject)).rejects.toThrow('no such layer');
    await meter.dispose();
  });

  it('rejects when the program ends, gives no measurement, or says something else', async () => {
    const gone = await PeerMeter.start(peer('process.exit(3);'));
    await expect(gone.prepare(subject)).rejects.toThrow('ended with exit code 3');
    await expect(gone.prepare(subject)).rejects.toThrow('ended with exit code 3');
    await gone.dispose();
    const empty = await PeerMeter.start(peer(`console.log('{}');`));
    await expect(empty.measure(subject, { steps: 1, seconds: 0 })).rejects.toThrow('gave no measurement');
    await empty.dispose();
    await expect(PeerMeter.start([process.execPath, '-e', `console.log('hello')`])).rejects.toThrow(
      'answered "hello"; expected a line of JSON',
    );
  });
});
