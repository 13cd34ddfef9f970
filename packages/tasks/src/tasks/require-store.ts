/** What a task that reads files says when it was given no store. */
import { ApoError } from '@apo/core';
import type { DataStore } from '../data/data-set.js';

/** The store itself. @throws ApoError `INVALID_ARGUMENT` when there is none. */
export function requireStore(taskName: string, store: DataStore | undefined): DataStore {
  if (store === undefined) {
    throw new ApoError(
      'INVALID_ARGUMENT',
      `The task ${taskName} needs a data store; pass load({ store: fileStore() }) with fileStore from @apo/tasks/node, or fetchStore() in a page.`,
    );
  }
  return store;
}
