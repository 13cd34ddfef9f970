/**
 * A meter outside of this project, PyTorch for example: a program that reads one JSON object a line and answers each with one.
 * `{subject}` asks to prepare, `{subject, minimum}` to measure; the answer is `{}`, `{measurement}` or `{error}`. Its first
 * line is `{name, threads}`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ApoError } from '@apo/core';
import type { Measurement, Subject, SubjectMeter } from './subject.js';

interface Answer {
  readonly name?: string;
  readonly threads?: number;
  readonly measurement?: Measurement;
  readonly error?: string;
}

type Process = ChildProcessByStdio<Writable, Readable, null>;

export class PeerMeter implements SubjectMeter {
  private constructor(
    readonly name: string,
    readonly threads: number,
    private readonly process: Process,
    private readonly next: () => Promise<Answer>,
  ) {}

  /** Starts a program: its path, then its arguments. @throws ApoError `BACKEND_UNAVAILABLE` when it does not introduce itself. */
  static async start([program, ...args]: readonly string[]): Promise<PeerMeter> {
    const child = spawn(program ?? '', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const next = answersOf(child, program ?? '');
    // Without a listener a program that is gone would end this one at the next question.
    child.stdin.on('error', () => undefined);
    const { name, threads } = await next();
    return new PeerMeter(name ?? program ?? '', threads ?? 1, child, next);
  }

  async prepare(subject: Subject): Promise<void> {
    await this.ask({ subject });
  }

  async measure(
    subject: Subject,
    minimum: { readonly steps: number; readonly seconds: number },
  ): Promise<Measurement> {
    const { measurement } = await this.ask({ subject, minimum });
    if (measurement === undefined) throw new ApoError('UNSUPPORTED', `${this.name} gave no measurement.`);
    return measurement;
  }

  async dispose(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
    this.process.stdin.end();
    await exit;
  }

  private async ask(question: object): Promise<Answer> {
    this.process.stdin.write(`${JSON.stringify(question)}\n`);
    const answer = await this.next();
    if (answer.error !== undefined) throw new ApoError('UNSUPPORTED', answer.error);
    return answer;
  }
}

/** Waits for one line after the other; rejects once the program has ended. */
function answersOf(child: Process, program: string): () => Promise<Answer> {
  let failure: ApoError | undefined;
  const lines: string[] = [];
  let wake: (() => void) | undefined;
  const fail = (reason: string): void => {
    failure ??= new ApoError('BACKEND_UNAVAILABLE', `The peer ${program} ${reason}.`);
    wake?.();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake?.();
  });
  child.once('error', ({ message }) => fail(`cannot be started: ${message}`));
  child.once('close', (code, signal) => fail(`ended with ${signal ?? `exit code ${String(code)}`}`));
  return async () => {
    while (lines.length === 0) {
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    const line = lines.shift()!;
    try {
      return JSON.parse(line) as Answer;
    } catch (cause) {
      throw new ApoError('UNSUPPORTED', `The peer ${program} answered "${line}"; expected a line of JSON.`, {
        cause,
      });
    }
  };
}
