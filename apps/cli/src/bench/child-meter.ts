/** A meter in a child process: every engine keeps its own backend, kernels, threads and memory, and waits while another is measured. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { KernelComparison } from '@apo/backend-webgpu';
import { ApoError, isApoError } from '@apo/core';
import type {
  BenchEngineName,
  DeviceFacts,
  KernelOptions,
  Measurement,
  Meter,
  StepCounts,
  Subject,
} from './subject.js';

export interface MeterRequest {
  readonly id: number;
  /** Absent to compare kernels. */
  readonly subject?: Subject;
  readonly kernels?: KernelOptions;
  /** To measure; without it and `counted`, to prepare. */
  readonly minimum?: { readonly steps: number; readonly seconds: number };
  /** To count over so many steps. */
  readonly counted?: number;
}

export interface MeterReply {
  readonly id: number;
  readonly measurement?: Measurement;
  readonly counts?: StepCounts;
  readonly kernels?: readonly KernelComparison[];
  readonly error?: string;
}

/** The first message of the child: what it computes on, or why it cannot. */
export interface MeterReady {
  readonly ready: boolean;
  readonly threads?: number;
  readonly device?: DeviceFacts;
  readonly reason?: string;
}

type Waiting = { readonly resolve: (reply: MeterReply) => void; readonly reject: (error: Error) => void };

export class ChildMeter implements Meter {
  private nextId = 1;
  private readonly waiting = new Map<number, Waiting>();

  private constructor(
    readonly engine: BenchEngineName,
    readonly threads: number,
    private readonly child: ChildProcess,
    readonly device?: DeviceFacts,
  ) {
    child.on('message', (reply: MeterReply) => {
      this.waiting.get(reply.id)?.resolve(reply);
      this.waiting.delete(reply.id);
    });
    child.on('exit', (code, signal) => {
      const error = ended(engine, code, signal);
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
  }

  /** Starts `script bench-meter ENGINE`. @throws ApoError `BACKEND_UNAVAILABLE` with the engine's reason. */
  static async start(
    script: string,
    engine: BenchEngineName,
    threads: number | undefined,
  ): Promise<ChildMeter> {
    const args = ['bench-meter', engine, ...(threads === undefined ? [] : ['--threads', String(threads)])];
    const child = fork(script, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const ready = await new Promise<MeterReady>((resolve, reject) => {
      child.once('message', (message: MeterReady) => resolve(message));
      child.once('exit', (code, signal) => reject(ended(engine, code, signal)));
      child.once('error', reject);
    });
    if (!ready.ready) {
      if (child.connected) child.disconnect();
      throw new ApoError('BACKEND_UNAVAILABLE', ready.reason ?? `The engine ${engine} is not available.`);
    }
    return new ChildMeter(engine, ready.threads ?? 1, child, ready.device);
  }

  async prepare(subject: Subject): Promise<void> {
    await this.ask({ subject });
  }

  async measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement> {
    const { measurement } = await this.ask({ subject, minimum });
    return measurement!;
  }

  async count(subject: Subject, counted: number): Promise<StepCounts | undefined> {
    return (await this.ask({ subject, counted })).counts;
  }

  async compareKernels(kernels: KernelOptions): Promise<readonly KernelComparison[] | undefined> {
    return (await this.ask({ kernels })).kernels;
  }

  /** Does not wait for what is under way, which rejects. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill('SIGKILL');
    await exit;
  }

  async dispose(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.disconnect();
    await exit;
  }

  private async ask(request: Omit<MeterRequest, 'id'>): Promise<MeterReply> {
    const id = this.nextId++;
    const reply = await new Promise<MeterReply>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, ...request } satisfies MeterRequest);
    });
    if (reply.error !== undefined) throw new ApoError('UNSUPPORTED', reply.error);
    return reply;
  }
}

function ended(engine: BenchEngineName, code: number | null, signal: NodeJS.Signals | null): ApoError {
  const how = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
  return new ApoError('BACKEND_UNAVAILABLE', `The process of the engine ${engine} ended with ${how}.`);
}

/** The child's end of the channel to its parent. */
export interface MeterChannel {
  send?(message: unknown): boolean;
  disconnect?(): void;
  on(event: 'message', listener: (request: MeterRequest) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

/** The child's side: answers requests one after the other until the parent goes away. */
export async function serveMeter(
  start: () => Promise<{ readonly meter: Meter; readonly threads: number }>,
  channel: MeterChannel = process,
): Promise<void> {
  const send = (message: MeterReady | MeterReply): void => void channel.send?.(message);
  const gone = new Promise<void>((resolve) => channel.once('disconnect', () => resolve()));
  let started: { readonly meter: Meter; readonly threads: number };
  try {
    started = await start();
  } catch (error) {
    send({ ready: false, reason: error instanceof Error ? error.message : String(error) });
    // An open channel would keep this process alive.
    channel.disconnect?.();
    return;
  }
  const { meter, threads } = started;
  let queue = Promise.resolve();
  channel.on('message', ({ id, ...request }: MeterRequest) => {
    queue = queue.then(async () => {
      try {
        send({ id, ...(await answerTo(meter, request)) });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        send({ id, error: isApoError(error) ? text : (text.split('\n')[0] ?? text) });
      }
    });
  });
  send({ ready: true, threads, ...(meter.device && { device: meter.device }) });
  await gone;
  await meter.dispose();
}

async function answerTo(
  meter: Meter,
  { subject, minimum, counted, kernels: options }: Omit<MeterRequest, 'id'>,
): Promise<Omit<MeterReply, 'id'>> {
  if (subject === undefined) {
    const kernels = options && (await meter.compareKernels?.(options));
    return { ...(kernels && { kernels }) };
  }
  if (counted !== undefined) {
    const counts = await meter.count?.(subject, counted);
    return { ...(counts && { counts }) };
  }
  if (minimum !== undefined) return { measurement: await meter.measure(subject, minimum) };
  await meter.prepare(subject);
  return {};
}
