// JSON written byte by byte is what `JSON.stringify` makes.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextWriter } from '../../../src/domain/text-writer.ts';

describe('a text writer', () => {
  test('writes any number as JSON does', () => {
    const writer = new TextWriter();
    const edges = [0, 9, 10, 999_999_999, 1e9, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
    for (const edge of [...edges, ...edges.map((value) => -value - 1), 1e21, 1.5]) {
      expect(writer.number(edge).take()).toBe(String(edge));
    }
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(writer.number(value).take()).toBe(JSON.stringify(value));
      }),
    );
  });

  test('writes any string as JSON does, and counts its characters', () => {
    const writer = new TextWriter();
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (one, two) => {
        const both = JSON.stringify(one) + JSON.stringify(two);
        writer.quoted(one).quoted(two);
        expect(writer.characters).toBe(both.length);
        expect(writer.bytes).toBe(Buffer.byteLength(both));
        expect(writer.take()).toBe(both);
      }),
    );
  });

  test('keeps what it has when it grows', () => {
    const writer = new TextWriter();
    const long = 'ü'.repeat(20_000);
    const text = writer
      .ascii('a'.repeat(30_000))
      .number(-7)
      .any(long)
      .quoted(long)
      .ascii('b')
      .take();
    expect(text).toBe(`${'a'.repeat(30_000)}-7${long}"${long}"b`);
    expect(writer.bytes).toBe(0);
  });

  test('forgets an unfinished text', () => {
    const writer = new TextWriter();
    writer.any('ü');
    expect(writer.clear().ascii('x').characters).toBe(1);
    expect(writer.take()).toBe('x');
  });
});
