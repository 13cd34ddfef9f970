/**
 * Reading a buffer without giving the event loop a turn, in Node: Dawn finds out whether a mapping is ready in a function that it hands to
 * `setImmediate`, and here that function is called at once, again and again. A page has a way of its own, through a canvas.
 */
import { ApoError } from '@apo/core';

type Poll = () => void;

/** Longest sleep between two looks, in milliseconds: short beside what a read costs, long enough to leave the cores to a software renderer. */
const LONGEST_SLEEP = 0.5;

/** What Dawn wants to be called in the next turn of the event loop, noted whenever it says so while `during` runs. One a device. */
export class DawnPoll {
  private poll: Poll | undefined;

  /** Runs `body`, a call into Dawn; should Dawn hand over its function now, it is noted and nothing else changes. */
  noted<T>(body: () => T): T {
    return this.during(body, (poll) => setImmediate(poll));
  }

  /**
   * The bytes of a mappable buffer that nothing has mapped, once the GPU has written them; the buffer is left unmapped.
   * @throws ApoError `UNSUPPORTED` where Dawn has handed over no function, `BACKEND_UNAVAILABLE` when the mapping fails, as on a lost device.
   */
  read(buffer: GPUBuffer): ArrayBuffer {
    let next: Poll | undefined;
    const keep = (poll: Poll): void => {
      next = poll;
    };
    // The promise tells no more than the state does.
    this.during(() => {
      buffer.mapAsync(GPUMapMode.READ).catch(() => undefined);
    }, keep);
    try {
      const poll = this.poll;
      if (poll === undefined) throw new ApoError('UNSUPPORTED', CANNOT);
      for (let looks = 0; stateOf(buffer) === 'pending'; looks++) {
        this.during(poll, keep);
        if (stateOf(buffer) === 'pending') sleep(Math.min(LONGEST_SLEEP, looks * 0.01));
      }
      if (stateOf(buffer) !== 'mapped') throw new ApoError('BACKEND_UNAVAILABLE', FAILED);
      return buffer.getMappedRange().slice(0);
    } finally {
      buffer.unmap();
      // Whatever else waits for Dawn goes on in the next turn.
      if (next !== undefined) setImmediate(next);
    }
  }

  /** Runs `body` while `setImmediate` belongs to Dawn. Nothing else can run meanwhile. */
  private during<T>(body: () => T, handed: (poll: Poll) => void): T {
    const { setImmediate: original } = globalThis;
    const noting = (poll: Poll): void => {
      this.poll = poll;
    };
    const received: Poll[] = [];
    Object.assign(globalThis, {
      setImmediate: (poll: Poll) => {
        noting(poll);
        received.push(poll);
      },
    });
    try {
      return body();
    } finally {
      globalThis.setImmediate = original;
      for (const poll of received) handed(poll);
    }
  }
}

const CANNOT =
  'This version of Dawn cannot be waited for without a turn of the event loop, so dataSync() does not work; read with data().';
const FAILED = 'What was on the GPU cannot be read: WebGPU did not map the buffer.';

/** `pending` while it is not known yet; the types that TensorFlow.js brings are older. */
function stateOf(buffer: GPUBuffer): string {
  return (buffer as GPUBuffer & { readonly mapState: string }).mapState;
}

/** Stops the calling thread, which a page does not allow: only Node gets here. */
function sleep(milliseconds: number): void {
  if (milliseconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
