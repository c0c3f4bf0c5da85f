// One definition gives schema and type: the compiler checks here that requests, commands, events and
// replies mean the same on both sides. What could differ at run time is tested with values.

import { describe, expectTypeOf, test } from 'vitest';
import type { PublishedEvent } from '../../../src/contract/event-schemas.ts';
import type { AcceptanceOf, ErrorReply, GetReply } from '../../../src/contract/reply-schemas.ts';
import type { RequestOf } from '../../../src/contract/requests.ts';
import type { NodeRow, StockRow, ViewRowMessage } from '../../../src/contract/row-schemas.ts';
import type { Verb } from '../../../src/contract/verbs.ts';
import type {
  Reserve,
  Sell,
  SetPolicy,
  SkuCommand,
  Transfer,
} from '../../../src/domain/commands.ts';
import type { SkuEvent, SkuEventType } from '../../../src/domain/events.ts';
import type { Refusal, RefusalCode, StockRead } from '../../../src/domain/outcome.ts';
import type { NodeRecord } from '../../../src/ports.ts';

type Made = 'verb' | 'channel' | 'fingerprint';
/** The event as published: without what only the journal needs. */
type Shown<E> = E extends { readonly type: 'reservation.created' }
  ? Omit<E, 'fingerprint' | 'bound'> & { readonly reservation: string }
  : E extends unknown
    ? Omit<E, 'fingerprint'>
    : never;
type EventOf<T, E = SkuEvent> = E extends { type: infer U } ? (T extends U ? E : never) : never;
/** Event types whose published fields are others than the domain's. */
type Different = {
  [T in SkuEventType]: [keyof Shown<EventOf<T>>] extends [keyof PublishedEvent<T>]
    ? [keyof PublishedEvent<T>] extends [keyof Shown<EventOf<T>>]
      ? never
      : T
    : T;
}[SkuEventType];

describe('the types of the contract', () => {
  test('every verb of a command of one SKU is a public verb, or a step of a cart', () => {
    expectTypeOf<Exclude<SkuCommand['verb'], Verb>>().toEqualTypeOf<
      'cart.hold' | 'cart.prepare' | 'cart.settle'
    >();
    expectTypeOf<Exclude<Verb, SkuCommand['verb']>>().toBeNever();
  });

  test('a request has the fields of its command', () => {
    expectTypeOf<RequestOf<'reserve'>>().toExtend<Omit<Reserve, Made>>();
    expectTypeOf<RequestOf<'sell'>>().toExtend<Omit<Sell, Made>>();
    expectTypeOf<RequestOf<'transfer'>>().toExtend<Omit<Transfer, Made>>();
    expectTypeOf<RequestOf<'policy'>>().toExtend<Omit<SetPolicy, Made>>();
    expectTypeOf<keyof RequestOf<'get'>>().toEqualTypeOf<'sku'>();
  });

  test('every event is published, as it is', () => {
    expectTypeOf<SkuEventType>().toEqualTypeOf<PublishedEvent['type']>();
    expectTypeOf<PublishedEvent>().toExtend<Shown<SkuEvent>>();
    expectTypeOf<Different>().toBeNever();
  });

  test('replies and rows say what the domain answers', () => {
    expectTypeOf<StockRead>().toExtend<Omit<GetReply, 'ok' | 'asOfSeq'>>();
    expectTypeOf<RefusalCode>().toEqualTypeOf<ErrorReply['error']['code']>();
    expectTypeOf<Exclude<keyof Refusal, keyof ErrorReply['error']>>().toBeNever();
    expectTypeOf<AcceptanceOf<'reserve'>['qty']>().toEqualTypeOf<number>();
    expectTypeOf<ViewRowMessage['status']>().toEqualTypeOf<
      'in_stock' | 'low_stock' | 'out_of_stock' | 'backorder'
    >();
    expectTypeOf<StockRow['locations']>().toExtend<StockRead['locations']>();
    expectTypeOf<keyof NodeRow>().toEqualTypeOf<keyof NodeRecord>();
  });
});
