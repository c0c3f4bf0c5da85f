/**
 * Times and durations as people type and read them. Everything inside is integer milliseconds.
 */

import { InvalidArgumentError } from 'commander';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const durationShape = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const isoShape =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** `15m`, `90s`, `2h30m`, `500ms`. Throws commander's error for a wrong argument. */
export function parseDuration(text: string): number {
  const parts = text.trim().match(/\d+(?:\.\d+)?[a-z]+/g) ?? [];
  let total = 0;
  for (const part of parts) {
    const match = durationShape.exec(part);
    if (match === null) throw notADuration();
    total += Number(match[1]) * (unitMs[match[2] as string] as number);
  }
  if (parts.length === 0 || parts.join('') !== text.trim()) throw notADuration();
  if (!Number.isSafeInteger(Math.round(total))) throw notADuration();
  return Math.round(total);
}

function notADuration(): InvalidArgumentError {
  return new InvalidArgumentError('Give a number with a unit: 500ms, 90s, 15m, 2h, 1d.');
}

/**
 * A moment: ISO 8601 (`2026-11-24`, `2026-11-24T10:30:00Z`; local time without a zone), `now`, a time before
 * now (`10m ago`, `-10m`), or milliseconds since the epoch.
 */
export function parseTime(text: string, nowMs: number): number {
  const trimmed = text.trim();
  if (trimmed === 'now') return nowMs;
  if (/^\d{12,14}$/.test(trimmed)) return Number(trimmed);
  const before = /^-(.+)$/.exec(trimmed)?.[1] ?? /^(.+?)\s*ago$/.exec(trimmed)?.[1];
  if (before !== undefined) return nowMs - parseDuration(before.replaceAll(' ', ''));
  const atMs = isoShape.test(trimmed) ? Date.parse(localTime(trimmed)) : Number.NaN;
  if (Number.isNaN(atMs)) {
    throw new InvalidArgumentError(
      'Give a time like 2026-11-24T10:30:00Z, 2026-11-24 10:30 (local), "10m ago" or -10m.',
    );
  }
  return atMs;
}

/** A date alone is midnight here, not in Greenwich. */
function localTime(iso: string): string {
  return iso.length === 10 ? `${iso}T00:00:00` : iso.replace(' ', 'T');
}

/** `2026-11-24 10:30:00.123`, local. */
export function showTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${day} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** `10:30:00`, local. */
export function showClock(atMs: number): string {
  return showTime(atMs).slice(11, 19);
}

/** `2h 5m`, `12s`, `340ms`: the two largest units. */
export function showDuration(ms: number): string {
  if (ms < 0) return `-${showDuration(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ].filter(([n]) => (n as number) > 0);
  return parts
    .slice(0, 2)
    .map(([n, unit]) => `${n}${unit}`)
    .join(' ');
}
