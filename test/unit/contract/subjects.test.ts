// Every name on NATS: as the contract writes it, and builders and parsers agree.

import { describe, expect, test } from 'vitest';
import { createNames, factMessageId, keyValueSubject } from '../../../src/contract/subjects.ts';

const names = createNames('inv');
const { subjects, streams, buckets } = names;

describe('the names of the contract', () => {
  const cases: readonly [string, string][] = [
    [subjects.command('web', 'reserve'), 'inv.cmd.web.reserve'],
    [subjects.frame(7, 'web'), 'inv.p.7.web'],
    [subjects.fact('pos-12', 'sell', 'BANK=20CHARGES'), 'inv.fact.pos-12.sell.BANK=20CHARGES'],
    [subjects.dead('pos-12'), 'inv.dead.pos-12'],
    [subjects.event('85123A'), 'inv.event.85123A'],
    [subjects.journal(0), 'inv.journal.0'],
    [subjects.barrier(31), 'inv.barrier.31'],
    [subjects.publishedStock('85123A'), 'inv.pub.stock.85123A'],
    [subjects.publishedView('web', '85123A'), 'inv.pub.view.web.85123A'],
    [streams.journal, 'INV_JOURNAL'],
    [streams.events, 'INV_EVENTS'],
    [streams.facts, 'INV_FACTS'],
    [streams.dead, 'INV_DEAD'],
    [buckets.stock, 'inv_stock'],
    [buckets.view('web'), 'inv_view_web'],
    [buckets.nodes, 'inv_nodes'],
    [buckets.reconcile, 'inv_reconcile'],
    [factMessageId('pos-12', '85123A', 's-1'), 'pos-12.85123A.s-1'],
    [keyValueSubject('inv_stock', '85123A'), '$KV.inv_stock.85123A'],
    [subjects.node('n1', 'forward', 3), 'inv.n.n1.forward.3'],
  ];
  test.each(cases)('%s', (actual, expected) => {
    expect(actual).toBe(expected);
  });

  test('follow the prefix', () => {
    const other = createNames('shop-2');
    expect(other.subjects.command('web', 'get')).toBe('shop-2.cmd.web.get');
    expect(other.streams.journal).toBe('SHOP-2_JOURNAL');
    expect(other.buckets.view('web')).toBe('shop-2_view_web');
    expect(other.subjects.parseCommand('inv.cmd.web.get')).toBeUndefined();
  });

  test.each(['', 'Inv', 'a.b', '*', '>', '2inv', 'x'.repeat(33)])('%j is no prefix', (prefix) => {
    expect(() => createNames(prefix)).toThrow(RangeError);
  });

  test('facts are stored with their partition behind the skuKey', () => {
    expect(subjects.factTransform(32)).toEqual({
      src: 'inv.fact.*.*.*',
      dest: 'inv.fact.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.{{partition(32,3)}}',
    });
    expect(subjects.factsOfPartition(4)).toBe('inv.fact.*.*.*.4');
  });

  test('a bucket republishes to the subject that is promised', () => {
    expect(subjects.stockRepublish).toEqual({ src: '$KV.inv_stock.>', dest: 'inv.pub.stock.>' });
    expect(subjects.viewRepublish('web')).toEqual({
      src: '$KV.inv_view_web.>',
      dest: 'inv.pub.view.web.>',
    });
  });
});

describe('parsers', () => {
  test('read what builders write', () => {
    expect(subjects.parseCommand(subjects.command('web', 'get'))).toEqual({
      channel: 'web',
      verb: 'get',
    });
    expect(subjects.parseFrame(subjects.frame(12, 'web'))).toEqual({
      partition: 12,
      channel: 'web',
    });
    expect(subjects.parseJournal(subjects.journal(12))).toBe(12);
    const fact = { source: 'wms', verb: 'sell', skuKey: 'A=20B' };
    const published = subjects.fact('wms', 'sell', 'A=20B');
    expect(subjects.parseFact(published)).toEqual(fact);
    expect(subjects.parseFact(`${published}.7`)).toEqual({ ...fact, partition: 7 });
  });

  const strangers = [
    '',
    'inv',
    'inv.cmd.',
    'inv.cmd.web',
    'inv.cmd.web.',
    'inv.cmd.web.reserve.more',
    'invx.cmd.web.reserve',
    'inv.p.x.web',
    'inv.p.01.web',
    'inv.p.-1.web',
    'inv.p.1',
    'inv.p.1.',
    'inv.p.1.web.more',
    'inv.p.99999999999.web',
    'inv.fact.wms.sell',
    'inv.fact.wms..A',
    'inv.fact.wms.sell.A.x',
    'inv.fact.wms.sell.A.1.2',
    'inv.journal.',
    'inv.journal.1.2',
    'inv.journal.1e3',
  ];
  test.each(strangers)('do not read %j', (subject) => {
    expect(subjects.parseCommand(subject)).toBeUndefined();
    expect(subjects.parseFrame(subject)).toBeUndefined();
    expect(subjects.parseFact(subject)).toBeUndefined();
    expect(subjects.parseJournal(subject)).toBeUndefined();
  });
});
