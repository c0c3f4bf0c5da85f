/**
 * What commands print: JSON for programs (one value per line on standard output), tables and sentences for
 * people. Progress and problems go to standard error, so that output can be piped.
 */

/** Where a command prints to; tests pass their own. */
export interface Output {
  readonly isTerminal: boolean;
  /** One line on standard output. */
  line(text: string): void;
  /** One line on standard error. */
  note(text: string): void;
  /** Replaces the last progress line; nothing where standard error is no terminal. */
  progress(text: string): void;
}

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string | number;
  /** Numbers are set to the right. */
  readonly right?: boolean;
}

/** Prints to the process's own streams. A closed pipe (`| head`) is no error. */
export function processOutput(): Output {
  let progressing = false;
  const clear = () => {
    if (progressing) process.stderr.write('\r\x1b[K');
    progressing = false;
  };
  return {
    isTerminal: process.stdout.isTTY === true,
    line(text) {
      clear();
      process.stdout.write(`${text}\n`);
    },
    note(text) {
      clear();
      process.stderr.write(`${text}\n`);
    },
    progress(text) {
      if (process.stderr.isTTY !== true) return;
      progressing = true;
      process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    },
  };
}

/** One JSON value on a line of its own. */
export function printJson(output: Output, value: unknown): void {
  output.line(JSON.stringify(value));
}

/** Aligned columns under their titles; no rows, no table. */
export function tableLines<T>(rows: readonly T[], columns: readonly Column<T>[]): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => columns.map((column) => visible(String(column.value(row)))));
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...cells.map((line) => widthOf(line[at] as string))),
  );
  const render = (line: readonly string[]) =>
    line
      .map((cell, at) => {
        const fill = ' '.repeat(Math.max(0, (widths[at] as number) - widthOf(cell)));
        return columns[at]?.right === true ? fill + cell : cell + fill;
      })
      .join('  ')
      .trimEnd();
  return [render(columns.map((column) => column.title)), ...cells.map(render)];
}

/** Names are data: control characters in them must not reach the terminal. */
export function visible(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Columns that a text takes; wide East Asian characters take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const char of text) {
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(char)
        ? 2
        : 1;
  }
  return width;
}

/** `[#####-----]  50%`. */
export function progressBar(share: number, width = 28): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${percent}%`;
}

/** `1,234,567` */
export function showNumber(value: number): string {
  return value.toLocaleString('en-US');
}
