/** Readers of single arguments. They throw commander's error, which names the option and ends with status 2. */

import { InvalidArgumentError } from 'commander';
import { idPattern, namePattern } from '../contract/fields.ts';
import { parseTime } from './times.ts';

export interface Line {
  readonly sku: string;
  readonly qty: number;
}

/** A whole number; whether it is in range is for the system to say. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('Give a whole number.');
  }
  return value;
}

export function positiveNumber(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('Give a whole number above zero.');
  return value;
}

/** A number of units, or `none` to clear. */
export function unitsOrNone(text: string): number | null {
  return text === 'none' ? null : wholeNumber(text);
}

export function timeBefore(text: string): number {
  return parseTime(text, Date.now());
}

/** Of channels, sources and locations. */
export function name(text: string): string {
  if (!new RegExp(namePattern, 'u').test(text)) {
    throw new InvalidArgumentError('Use 1 to 32 of a-z, 0-9 and "-".');
  }
  return text;
}

export function id(text: string): string {
  if (!new RegExp(idPattern, 'u').test(text)) {
    throw new InvalidArgumentError('Use 1 to 128 of A-Z, a-z, 0-9 and "_ . : -".');
  }
  return text;
}

/** `SKU=2`, once or several times. The last `=` counts, so that SKUs may contain one. */
export function cartLine(text: string, before: readonly Line[] = []): Line[] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('Give SKU=QTY, as in --line MUG-0001=2.');
  return [...before, { sku: text.slice(0, at), qty: wholeNumber(text.slice(at + 1)) }];
}

export interface ChannelPatch {
  buffer?: number | null;
  quota?: number | null;
  ringFence?: number | null;
}

const patchNames: Readonly<Record<string, keyof ChannelPatch>> = {
  buffer: 'buffer',
  quota: 'quota',
  'ring-fence': 'ringFence',
  ringFence: 'ringFence',
};

/** `web:buffer=2,quota=100,ring-fence=none`, once or several times. */
export function channelPatch(
  text: string,
  before: Readonly<Record<string, ChannelPatch>> = {},
): Record<string, ChannelPatch> {
  const [channel = '', rules = '', more] = text.split(':');
  if (rules === '' || more !== undefined) {
    throw new InvalidArgumentError('Give CHANNEL:RULE=N,…, as in --for web:buffer=2,quota=100.');
  }
  const patch: ChannelPatch = {};
  for (const rule of rules.split(',')) {
    const [key = '', value = ''] = rule.split('=');
    const field = patchNames[key];
    if (field === undefined) {
      throw new InvalidArgumentError(`"${key}" is none of buffer, quota, ring-fence.`);
    }
    patch[field] = unitsOrNone(value);
  }
  return { ...before, [name(channel)]: patch };
}
