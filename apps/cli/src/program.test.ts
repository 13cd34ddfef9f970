import { describe, expect, it } from 'vitest';
import { apo } from './testing/test-io.js';

/** Commands that cannot be right, and what the one line must say. */
const bad: readonly (readonly [string, string])[] = [
  ['frobnicate', "unknown command 'frobnicate'"],
  ['run', "missing required argument 'task'"],
  ['run digits', '--optimizer is missing; expected one of sgd, sgdm'],
  ['run digit --optimizer sgd', 'Did you mean "digits"?'],
  ['run digits --optimizer sdg', "'sdg' is invalid"],
  ['run digits --optimizer sgd --engine gpu', "'gpu' is invalid"],
  ['run digits --optimizer sgd --steps ten', 'Expected a number'],
  ['run digits --optimizer sgd --steps 0', 'whole number of at least 1'],
  ['run digits --optimizer sgd --steps 1.5', 'whole number of at least 1'],
  ['run digits --optimizer sgd --learning-rate 0', 'greater than 0'],
  ['run digits --optimizer sgd --learning-rate=', 'Expected a number'],
  ['run digits --optimizer sgd-apo --lambda-fsd -1', 'at least 0'],
  ['run digits --optimizer sgd-apo --preset fast', "'fast' is invalid"],
  ['run digits --optimizer sgd-apo --lookahead far', 'expected step, committed, or a factor'],
  ['run digits --optimizer sgd --interval 5', 'use --optimizer sgd-apo'],
  ['run digits --optimizer sgd --no-calibrate', '--calibrate belongs to the meta-objective'],
  ['run digits --optimizer adam --momentum 0.9', 'use sgdm, rmsprop, apo-precond, kfac'],
  ['run digits --optimizer rmsprop --nesterov', 'use sgdm'],
  ['run digits --optimizer adam --weight-decay 0.1', 'use adamw'],
  ['run digits --optimizer sgdm --momentum 1', '[0, 1)'],
  ['run digits --optimizer adam --damping 1', 'belongs to kfac, ekfac, hessian-free'],
  ['run digits --optimizer kfac --damping 0', 'damping is 0; expected'],
  ['run digits --optimizer kfac --interval 5', 'use an optimizer whose name has apo in it'],
  ['run digits --optimizer newton --learning-rate 1', 'newton has none; its step follows from --damping'],
  ['verify --only theorem-2', '"theorem-2" is not one of update-rules'],
  ['run digits --optimizer sgd --steps 5 --epochs 1', 'give one of them'],
  ['run digits --optimizer sgd --resume', 'say which directory'],
  ['run digits --optimizer sgd --bogus', "unknown option '--bogus'"],
  ['run digits extra --optimizer sgd', 'too many arguments'],
  ['bench --engines wasm,gpu', '"gpu" is not one of'],
  ['bench --rounds 0', 'whole number of at least 1'],
  ['demo --task nothing', 'Unknown task "nothing"'],
  ['report /nowhere/at/all', 'has no finished run'],
];

describe('bad options', () => {
  it.each(bad)('%s: one line, exit code 2', async (line, expected) => {
    const { code, stdout, stderr } = await apo(line.split(' '));
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(expected);
    expect(stderr).toMatch(/^apo: [^\n]+\n$/);
  });

  it('shows the stack with --debug', async () => {
    const { code, stderr } = await apo(['run', 'digit', '--optimizer', 'sgd', '--debug']);
    expect(code).toBe(2);
    expect(stderr).toContain('ApoError: Unknown task "digit"');
    expect(stderr).toMatch(/\n {4}at /);
  });
});

describe('help and version', () => {
  it('prints the version', async () => {
    expect(await apo(['--version'])).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' });
  });

  it('shows the commands, and not the ones that are for the program itself', async () => {
    const { code, stdout } = await apo(['--help']);
    expect(code).toBe(0);
    for (const name of ['run', 'list', 'doctor', 'bench', 'report', 'verify', 'demo']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
    expect(stdout).not.toContain('bench-meter');
  });

  it.each(['run', 'list', 'doctor', 'bench', 'report', 'verify', 'demo'])(
    'has examples for %s',
    async (name) => {
      const { code, stdout } = await apo([name, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain('Examples:');
      expect(stdout).toContain(`  apo ${name}`);
    },
  );

  it('shows the help on stderr and refuses when there is no command', async () => {
    const { code, stdout, stderr } = await apo([]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Usage: apo');
  });
});
