/** Runs what a page offers as "this run as a program", in the test's own process: it must run as it stands. For tests only. */

/** Modules that a snippet may import, by name. */
export type Modules = Readonly<Record<string, object>>;

const IMPORT = /^import (?:(.+?) from )?'([^']+)';$/gm;

/** What the program printed, one list of arguments a call of console.log. @throws Error for an import that is not in `modules`, and whatever the program throws. */
export async function runSnippet(code: string, modules: Modules): Promise<unknown[][]> {
  const body = code.replaceAll(IMPORT, (_, names: string | undefined, module: string) => {
    if (!Object.hasOwn(modules, module)) throw new Error(`The program imports "${module}".`);
    const source = `modules[${JSON.stringify(module)}]`;
    if (names === undefined) return '';
    const whole = /^\* as (\w+)$/.exec(names)?.[1];
    return whole === undefined
      ? `const ${names.replaceAll(' as ', ': ')} = ${source};`
      : `const ${whole} = ${source};`;
  });
  const printed: unknown[][] = [];
  const log = { log: (...values: unknown[]) => void printed.push(values) };
  const AsyncFunction = runSnippet.constructor as new (
    ...source: string[]
  ) => (modules: Modules, console: typeof log) => Promise<void>;
  await new AsyncFunction('modules', 'console', body)(modules, log);
  return printed;
}
