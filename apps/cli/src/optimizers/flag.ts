/** Names of settings as they stand on the command line. */

/** `lambdaFsd` → `--lambda-fsd`. */
export function flag(name: string): string {
  return `--${name.replace(/[A-Z]|(?<=[a-z])\d/g, (part) => (/\d/.test(part) ? part : `-${part.toLowerCase()}`))}`;
}
