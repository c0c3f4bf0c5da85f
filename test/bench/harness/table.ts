// A scenario's result as text.

import type { Line, Scenario, ScenarioResult } from './scenario.ts';

export function tableOf(scenario: Scenario, result: ScenarioResult): string {
  const rows = result.lines.map((line) => [
    line.what,
    `${showNumber(line.value)} ${line.unit}`,
    factorOf(line, result.lines[0]),
    line.rounds ? `[${line.rounds.map(showNumber).join(', ')}]` : '',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  const text = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const notes = result.lines.flatMap(({ note }) => (note === undefined ? [] : [`(${note})`]));
  const faults = result.faults.map((fault) => `FAULT: ${fault}`);
  return [...text, ...notes, `goal: ${scenario.goal}`, result.conditions, ...faults]
    .map((line) => `  ${line}`)
    .join('\n');
}

/** How many times faster the first line is, where both are rates. */
function factorOf(line: Line, first: Line | undefined): string {
  if (first === undefined || line === first || !line.unit.endsWith('/s')) return '';
  if (line.unit !== first.unit) return '';
  return `× ${showNumber(first.value / line.value)}`;
}

function showNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
