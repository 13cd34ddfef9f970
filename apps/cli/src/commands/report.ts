/** `apo report`: writes the report of a run again, or one report of several runs beside each other. */
import { basename, join, resolve } from 'node:path';
import { existsSync, mkdirSync } from 'node:fs';
import { requireArgument } from '@apo/core';
import type { Command } from 'commander';
import { writeFileAtomic } from '../atomic-file.js';
import { writeLine } from '../io.js';
import { comparisonReport, figureFiles, runReport } from '../report/page.js';
import type { ReportedRun } from '../report/page.js';
import { runFiles } from '../run/directory.js';
import { readMetrics } from '../run/metrics.js';
import { readSummary } from '../run/summary.js';
import type { CommandContext } from './command.js';

interface ReportOptions {
  readonly out?: string;
  readonly title?: string;
  readonly figures?: string;
}

export function addReport(program: Command, { io }: CommandContext): void {
  program
    .command('report')
    .summary('write the HTML report of a run, or of several')
    .description(
      'Writes a self-contained HTML report: DIR/report.html for one run, FILE for several beside each other.',
    )
    .argument('<dir...>', 'directories that apo run has written')
    .option(
      '--out <file>',
      'file to write (default: report.html in the directory, or in the current one for several)',
    )
    .option(
      '--title <text>',
      'title of a report of several runs, and of the figures (default: "Comparison of runs", or the name of the run)',
    )
    .option(
      '--figures <dir>',
      'also write the figures as SVG files (loss.svg, loss-by-time.svg, …) into a directory',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  apo report runs/mnist\n  apo report runs/a runs/b runs/c --out comparison.html',
    )
    .action((directories: string[], { out, title: givenTitle, figures }: ReportOptions) => {
      const runs = directories.map((directory) => ({
        name: basename(resolve(directory)),
        ...readRun(directory),
      }));
      const [first, ...others] = runs;
      const single = others.length === 0;
      const title = givenTitle ?? (single ? first!.name : 'Comparison of runs');
      const file = out ?? (single ? join(directories[0]!, 'report.html') : 'report.html');
      writeFileAtomic(file, single ? runReport(first!) : comparisonReport(title, runs));
      writeLine(io.stdout, file);
      if (figures === undefined) return;
      mkdirSync(figures, { recursive: true });
      for (const [name, svg] of Object.entries(figureFiles(title, runs))) {
        writeFileAtomic(join(figures, name), svg);
        writeLine(io.stdout, join(figures, name));
      }
    });
}

/** @throws ApoError `INVALID_ARGUMENT` when there is no finished run. */
export function readRun(directory: string): ReportedRun {
  const summary = readSummary(directory);
  const { metrics } = runFiles(directory);
  requireArgument(
    summary !== undefined && existsSync(metrics),
    () =>
      `${directory} has no finished run (summary.json and metrics.jsonl); give a directory that apo run has written.`,
  );
  return { summary, metrics: readMetrics(metrics) };
}
