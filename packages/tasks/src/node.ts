/** @apo/tasks/node: data sets on disk, found in a cache folder or an npm package, or downloaded. Node.js only. */
export { defaultDataFolder } from './node/data-folder.js';
export { downloadFile } from './node/download.js';
export type { DownloadOptions, DownloadProgress, DownloadSettings } from './node/download.js';
export { fileStore } from './node/file-store.js';
export type { FileLocation, FileStore, FileStoreOptions, FileStoreProgress } from './node/file-store.js';
