/** The one-shot commands in a table: which options each verb has, who asks by default, and what help says. */

import { Option } from 'commander';
import type { Verb } from '../../contract/verbs.ts';
import {
  cartLine,
  channelPatch,
  name,
  id as readId,
  timeBefore,
  unitsOrNone,
  wholeNumber,
} from '../arguments.ts';
import { parseDuration } from '../times.ts';

export interface OneShot {
  readonly verb: Verb;
  readonly summary: string;
  readonly description: string;
  readonly skuHelp?: string;
  /** The default channel. */
  readonly channel: string;
  /** Whether it may act on a whole cart. */
  readonly carts?: true;
  readonly options: readonly (() => Option)[];
  /** Fills fields that the contract asks for and a person would not think of. */
  readonly complete?: (fields: Record<string, unknown>) => object;
}

const qty = (what: string) => () => new Option('--qty <n>', what).argParser(wholeNumber).default(1);
const location = () =>
  new Option('--location <name>', "where (default: main, or the channel's order)").argParser(name);
const ttl = () =>
  new Option('--ttl <duration>', "how long to hold (default: the channel's, 15m)").argParser(
    parseDuration,
  );
const ref = () => new Option('--ref <text>', 'a reference of your own');
const order = () => new Option('--order <number>', 'the order that this belongs to');
const occurredAt = () =>
  new Option('--occurred-at <time>', 'when it really happened').argParser(timeBefore);
const expectOnHand = () =>
  new Option('--expect-on-hand <n>', 'refuse unless on hand there is exactly this').argParser(
    wholeNumber,
  );
const reservation = () =>
  new Option('--reservation <id>', 'which hold').argParser(readId).makeOptionMandatory();
const heldBy = () =>
  new Option('--held-by <channel>', 'the channel that holds it, if it is another').argParser(name);
const units = (flag: string, what: string) => () =>
  new Option(`--${flag} <n>`, `${what}; "none" clears`).argParser(unitsOrNone);

const holdSkus = 'the SKU of the hold; of a cart all of them, or none';

/** Options that are named otherwise than the request's field: units are for programs. */
export const fieldNames: Readonly<Record<string, string>> = {
  ttl: 'ttlMs',
  line: 'lines',
  occurredAt: 'occurredAtMs',
  issuedAt: 'issuedAtMs',
  for: 'channels',
};

export const oneShots: readonly OneShot[] = [
  {
    verb: 'reserve',
    summary: 'hold units for a customer',
    description:
      'Holds units of one SKU, or of all lines of a cart, until they are confirmed, released or expire.',
    skuHelp: 'the SKU; for a cart use --line instead',
    channel: 'web',
    carts: true,
    options: [
      qty('how many units'),
      () =>
        new Option('--line <sku=qty>', 'a line of a cart; all lines are held or none').argParser(
          cartLine,
        ),
      ttl,
      location,
      ref,
    ],
  },
  {
    verb: 'renew',
    summary: 'hold them longer',
    description:
      'Moves the expiry of a hold to now + TTL; one that has expired takes its units again if it can.',
    skuHelp: holdSkus,
    channel: 'web',
    carts: true,
    options: [reservation, () => ttl().makeOptionMandatory(), heldBy],
  },
  {
    verb: 'confirm',
    summary: 'the customer has bought them',
    description: 'Turns a hold into a sale.',
    skuHelp: holdSkus,
    channel: 'web',
    carts: true,
    options: [
      reservation,
      order,
      () =>
        new Option('--qty <n>', 'confirm only so many, release the rest').argParser(wholeNumber),
      heldBy,
    ],
    complete: (fields) => ({ order: fields.reservation, ...fields }),
  },
  {
    verb: 'release',
    summary: 'give them back',
    description: 'Ends a hold: its units are free again.',
    skuHelp: holdSkus,
    channel: 'web',
    carts: true,
    options: [reservation, heldBy],
  },
  {
    verb: 'sell',
    summary: 'sell without a hold',
    description: 'Takes units off the stock at once.',
    channel: 'web',
    options: [
      qty('how many units'),
      location,
      order,
      occurredAt,
      () =>
        new Option(
          '--fact',
          'they have left the building already: never refused for lack of stock',
        ),
    ],
  },
  {
    verb: 'receive',
    summary: 'goods in',
    description: 'Adds units to the stock; a SKU that nobody knew is created.',
    channel: 'wms',
    options: [qty('how many units'), location, ref, occurredAt],
  },
  {
    verb: 'restock',
    summary: "a customer's return goes back on sale",
    description: 'Adds units that a customer has returned.',
    channel: 'wms',
    options: [qty('how many units'), location, order, occurredAt],
  },
  {
    verb: 'adjust',
    summary: 'damage, loss, found',
    description: 'Changes on hand by a difference, with a reason.',
    channel: 'wms',
    options: [
      () =>
        new Option('--delta <n>', 'units more, or less with a minus')
          .argParser(wholeNumber)
          .makeOptionMandatory(),
      () => new Option('--reason <text>', 'why').makeOptionMandatory(),
      location,
      expectOnHand,
      occurredAt,
    ],
  },
  {
    verb: 'count',
    summary: 'a cycle count',
    description:
      'Sets on hand at a location to what has been counted there; recorded as the difference.',
    channel: 'wms',
    options: [
      () =>
        new Option('--counted <n>', 'units that are there')
          .argParser(wholeNumber)
          .makeOptionMandatory(),
      location,
      expectOnHand,
      occurredAt,
    ],
  },
  {
    verb: 'transfer',
    summary: 'from one location to another',
    description: 'Moves units between locations; at most what is not reserved there.',
    channel: 'wms',
    options: [
      qty('how many units'),
      () => new Option('--from <location>', 'from where').argParser(name).makeOptionMandatory(),
      () => new Option('--to <location>', 'to where').argParser(name).makeOptionMandatory(),
      occurredAt,
    ],
  },
  {
    verb: 'policy',
    summary: 'the rules of a SKU',
    description:
      'Sets safety stock, backorder and low-stock limits, and what each channel may take.',
    channel: 'ops',
    options: [
      units('safety-stock', 'units that nobody may reserve'),
      units('backorder-max', 'units that may be promised beyond the stock'),
      units('low-stock', 'from how few units the views say low_stock'),
      () =>
        new Option(
          '--for <channel:rules>',
          'rules of one channel: web:buffer=2,quota=100,ring-fence=5',
        ).argParser(channelPatch),
    ],
  },
  {
    verb: 'get',
    summary: 'ask the actor itself',
    description: "The strong read: what the SKU's actor says, not what a view shows.",
    channel: 'web',
    options: [],
  },
];
