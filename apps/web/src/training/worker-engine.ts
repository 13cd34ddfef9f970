/** The one engine of a training worker: started with the first run, used by all later ones. A page takes a fresh worker for another one. */
import { isApoError } from '@apo/core';
import { startEngine } from '../worker/engine.js';
import type { EngineOptions } from '../worker/engine.js';
import type { EngineReport } from '../worker/engine-report.js';

export interface WorkerEngine {
  /** Starts it, or tells again what was started. An engine that could not be started is tried again. */
  activate(options: Omit<EngineOptions, 'onLost'>): Promise<EngineReport>;
  /** Whether the GPU is gone: what runs stumbles over it, which `onLost` has told already. */
  readonly isLost: boolean;
}

export function workerEngine(onLost: (message: string) => void): WorkerEngine {
  let engine: Promise<EngineReport> | undefined;
  let isLost = false;
  const activated = (options: Omit<EngineOptions, 'onLost'>): Promise<EngineReport> =>
    startEngine({
      ...options,
      onLost(error) {
        isLost = true;
        onLost(isApoError(error) ? error.message : String(error));
      },
    }).catch((error: unknown) => {
      engine = undefined;
      throw error;
    });
  return {
    activate: (options) => (engine ??= activated(options)),
    get isLost() {
      return isLost;
    },
  };
}
