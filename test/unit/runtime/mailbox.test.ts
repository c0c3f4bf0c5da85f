// Invariant 12: the mailbox is bounded, and one channel cannot fill it.

import { expect, test } from 'vitest';
import { Mailbox } from '../../../src/runtime/partition/mailbox.ts';
import type { CommandWork } from '../../../src/runtime/partition/work.ts';

function work(channel: string, id: string, receivedAtMs = 0): CommandWork {
  const command = { verb: 'release', sku: 'A', channel, id, reservation: id, fingerprint: 1 };
  return { kind: 'command', command, slot: { reply() {} }, receivedAtMs } as CommandWork;
}

const idsOf = (works: readonly CommandWork[]) =>
  works.map(({ command }) => ('id' in command ? command.id : ''));

function drain(mailbox: Mailbox): string[] {
  const works: CommandWork[] = [];
  for (let next = mailbox.take(); next; next = mailbox.take()) works.push(next);
  return idsOf(works);
}

test('a channel beyond its share is turned away while others still get in', () => {
  const mailbox = new Mailbox({ mailboxCommandsMax: 10, channelShareMax: 0.5 });
  const admitted = Array.from({ length: 8 }, (_, index) => mailbox.offer(work('web', `w${index}`)));
  expect(admitted.filter(Boolean)).toHaveLength(5);
  expect(mailbox.offer(work('pos', 'p0'))).toBe(true);
});

test('a full mailbox takes nothing from anybody', () => {
  const mailbox = new Mailbox({ mailboxCommandsMax: 2, channelShareMax: 1 });
  expect(mailbox.offer(work('web', 'a'))).toBe(true);
  expect(mailbox.offer(work('pos', 'b'))).toBe(true);
  expect(mailbox.offer(work('wms', 'c'))).toBe(false);
});

test('commands that were taken count against their channel until they are answered', () => {
  const mailbox = new Mailbox({ mailboxCommandsMax: 2, channelShareMax: 0.5 });
  expect(mailbox.offer(work('web', 'a'))).toBe(true);
  const taken = mailbox.take() as CommandWork;
  expect(mailbox.offer(work('web', 'b'))).toBe(false);
  mailbox.settled(taken);
  expect(mailbox.offer(work('web', 'b'))).toBe(true);
});

test('what a round could not take goes back to the front, in order', () => {
  const mailbox = new Mailbox({ mailboxCommandsMax: 10, channelShareMax: 1 });
  for (const id of ['a', 'b', 'c', 'd']) mailbox.offer(work('web', id));
  const first = mailbox.take() as CommandWork;
  const second = mailbox.take() as CommandWork;
  mailbox.putBack([first, second]);
  expect(drain(mailbox)).toEqual(['a', 'b', 'c', 'd']);
});

test('the oldest are found by their age', () => {
  const mailbox = new Mailbox({ mailboxCommandsMax: 10, channelShareMax: 1 });
  mailbox.offer(work('web', 'old', 10));
  mailbox.offer(work('web', 'older', 20));
  mailbox.offer(work('web', 'new', 30));
  expect(idsOf(mailbox.takeOlderThan(25))).toEqual(['old', 'older']);
  expect(drain(mailbox)).toEqual(['new']);
});

test('an emptied mailbox has room for everybody again', () => {
  const mailbox = new Mailbox({ mailboxCommandsMax: 2, channelShareMax: 0.5 });
  mailbox.offer(work('web', 'a'));
  expect(idsOf(mailbox.clear())).toEqual(['a']);
  expect(mailbox.length).toBe(0);
  expect(mailbox.offer(work('web', 'b'))).toBe(true);
});
