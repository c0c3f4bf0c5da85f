/**
 * The client's options, resolved once into a type without blanks. Every problem is reported, not
 * only the first: a typo fails when the client is made, not when the first command is sent.
 */

import { namePattern } from '../contract/fields.ts';
import { defaultRequestLimits } from '../contract/limits.ts';
import { prefixPattern } from '../contract/subjects.ts';

/** How commands are sent. Everything but `channel` has a default. */
export interface SendOptions {
  /** Who is selling: the channel's name is part of every subject. */
  readonly channel: string;
  /** First token of every subject. Default: `inv`. */
  readonly prefix?: string | undefined;
  /** How long a command is repeated before `DeadlineExceededError`. Default: 10,000. */
  readonly deadlineMs?: number | undefined;
  /** How long one attempt waits for its reply before the same is sent again. Default: 2,000. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Sends commands of one partition together. Default: true. */
  readonly coalesce?: boolean | undefined;
  /** Commands of one frame, at most 1,000. Default: 500. */
  readonly frameCommandsMax?: number | undefined;
  /** Bytes of one frame, below the server's `max_payload`. Default: 262,144. */
  readonly frameBytesMax?: number | undefined;
  /** Frames without reply, per partition; from the third on only full ones. Default: 8. */
  readonly framesPerPartitionMax?: number | undefined;
  /** Frames without reply, of all partitions. Default: 64. */
  readonly framesInFlightMax?: number | undefined;
  /** Commands without result; above it new ones are `overloaded` at once. Default: 200,000. */
  readonly commandsPendingMax?: number | undefined;
}

/** `SendOptions` without blanks. */
export type SendSettings = {
  readonly [Name in keyof SendOptions]-?: Exclude<SendOptions[Name], undefined>;
};

const defaults: Omit<SendSettings, 'channel'> = {
  prefix: 'inv',
  deadlineMs: 10_000,
  attemptTimeoutMs: 2_000,
  coalesce: true,
  frameCommandsMax: 500,
  frameBytesMax: 262_144,
  framesPerPartitionMax: 8,
  framesInFlightMax: 64,
  commandsPendingMax: 200_000,
};

/** Ranges of the whole numbers, both ends included. */
const ranges = {
  deadlineMs: [1, 3_600_000],
  attemptTimeoutMs: [50, 3_600_000],
  frameCommandsMax: [1, defaultRequestLimits.frameCommandsMax],
  frameBytesMax: [1_024, 67_108_864],
  framesPerPartitionMax: [1, 1_024],
  framesInFlightMax: [1, 65_536],
  commandsPendingMax: [1, 100_000_000],
} as const satisfies Partial<Record<keyof SendSettings, readonly [number, number]>>;

const validChannel = new RegExp(namePattern, 'u');

/** Fills the blanks; throws a `RangeError` that lists everything that cannot be used. */
export function resolveSendOptions(options: SendOptions): SendSettings {
  const settings = { ...defaults, ...withoutBlanks(options) } as SendSettings;
  const problems: string[] = [];
  if (typeof settings.channel !== 'string' || !validChannel.test(settings.channel)) {
    problems.push('channel must be 1–32 characters of a–z 0–9 -');
  }
  if (!prefixPattern.test(settings.prefix)) problems.push(`prefix must match ${prefixPattern}`);
  for (const [name, [least, most]] of Object.entries(ranges)) {
    const value = settings[name as keyof typeof ranges];
    if (!Number.isInteger(value) || value < least || value > most) {
      problems.push(`${name} must be a whole number from ${least} to ${most}`);
    }
  }
  if (problems.length > 0) throw new RangeError(`client options: ${problems.join('; ')}`);
  return settings;
}

function withoutBlanks(options: SendOptions): SendOptions {
  const known = (name: string) => name === 'channel' || name in defaults;
  const given = Object.entries(options).filter(([name, v]) => v !== undefined && known(name));
  return Object.fromEntries(given) as unknown as SendOptions;
}
