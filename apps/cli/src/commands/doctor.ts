/** `apo doctor`: what this machine offers, and why an engine is refused. */
import type { Command } from 'commander';
import { diagnoseData } from '../data.js';
import { describeDiagnosis, diagnose } from '../doctor.js';
import { writeLine } from '../io.js';
import type { CommandContext } from './command.js';

export function addDoctor(program: Command, { io, version }: CommandContext): void {
  program
    .command('doctor')
    .summary('show engines, versions and data sets, and why an engine is refused')
    .description(
      'Probes each engine and shows threads, SIMD, versions, data sets, and the reason where one is refused.',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  apo doctor\n  apo doctor --json')
    .action(async ({ json }: { readonly json?: true }) => {
      const diagnosis = await diagnose(version, diagnoseData());
      writeLine(io.stdout, json === true ? JSON.stringify(diagnosis, null, 2) : describeDiagnosis(diagnosis));
    });
}
