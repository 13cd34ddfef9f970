/** `apo verify`: the theory behind the meta-objective, checked by computation on small networks. */
import { verificationNames, verifyTheory } from '@apo/baselines';
import type { VerificationName } from '@apo/baselines';
import { Option } from 'commander';
import type { Command } from 'commander';
import { writeFileAtomic } from '../atomic-file.js';
import { activateEngine, engineNames } from '../engines.js';
import type { EngineName } from '../engines.js';
import { exitCode } from '../exit-code.js';
import { writeLine } from '../io.js';
import { namesOf, whole } from '../parse.js';
import { verifyReport } from '../report/verify-page.js';
import { countText } from '../verify/groups.js';
import type { CheckGroup } from '../verify/groups.js';
import { preconditionerRules } from '../verify/preconditioner-rules.js';
import { checkTable } from '../verify/table.js';
import type { CommandContext } from './command.js';

interface VerifyOptions {
  readonly only?: readonly VerificationName[];
  readonly engine?: EngineName;
  readonly seed: number;
  readonly html?: string;
  readonly json?: true;
}

const description = `Checks the theory by computation: derivatives of every update rule and preconditioner against finite differences and an
unrolled graph, Eq. 4 against the exact minimiser, Theorem 1, Corollary 2, and the classical methods of Table 1 against
their textbook formulas. Takes seconds. Exits with 1 when a check fails.`;

export function addVerify(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .summary('check the theory by computation')
    .description(description)
    .option('--only <names>', `of ${verificationNames.join(', ')}`, namesOf(verificationNames))
    .addOption(
      new Option('--engine <name>', 'engine to compute on (default: the first that works)').choices(
        engineNames,
      ),
    )
    .option('--seed <n>', 'seed of networks and data; tolerances are known to hold for 1', whole(0), 1)
    .option('--html <file>', 'write a report')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  apo verify\n  apo verify --only theorem-1,corollary-2 --html theory.html',
    )
    .action((options: VerifyOptions) => verify(options, context));
}

async function verify(options: VerifyOptions, { io, finish }: CommandContext): Promise<void> {
  const { only, seed, html, json } = options;
  const engine = await activateEngine(options.engine);
  const groups: CheckGroup[] = [];
  const start = performance.now();
  const { checks, passed } = verifyTheory({
    seed,
    rules: preconditionerRules(),
    ...(only !== undefined && { only }),
    onChecks(title, found) {
      const group = { title, checks: found };
      groups.push(group);
      if (json !== true) writeLine(io.stdout, checkTable(group));
    },
  });
  const seconds = (performance.now() - start) / 1000;
  if (json === true) {
    writeLine(io.stdout, JSON.stringify({ engine: engine.name, seed, passed, seconds, checks }, null, 2));
  } else {
    writeLine(io.stdout, `${countText(groups)} (${engine.name} engine, ${seconds.toFixed(1)} s).`);
  }
  if (html !== undefined) {
    writeFileAtomic(html, verifyReport(groups, { engine: engine.name, seed, seconds }));
    if (json !== true) writeLine(io.stdout, `Report: ${html}`);
  }
  if (!passed) finish(exitCode.failure);
}
