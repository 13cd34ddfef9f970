/** Turbo with telemetry off, whatever the shell: `node tools/turbo.mjs run build`. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { delimiter } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Runs turbo in the foreground and returns its exit code. `env` is added to the environment. */
export function turbo(args, env = {}) {
  const bin = createRequire(import.meta.url).resolve('turbo/bin/turbo');
  // Turbo looks for the package manager on the PATH; ours is installed in the repository.
  const binaries = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));
  const { status } = spawnSync(process.execPath, [bin, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}`,
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
      ...env,
    },
  });
  return status ?? 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exit(turbo(process.argv.slice(2)));
