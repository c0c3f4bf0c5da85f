// Which file counts, and that one that cannot be read is a problem, not an exception.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { repoRoot } from '../../support/source-text.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lastunit-config-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('the configuration file', () => {
  test("is the package's own where there is no other", () => {
    const loaded = loadConfig({}, folder);
    expect(loaded.path).toBe(join(repoRoot, 'config/lastunit.json'));
    expect(loaded.config).toMatchObject({ prefix: 'inv', partitions: 16 });
  });

  test('is the one of the working directory before that', () => {
    const file = write('config/lastunit.json', '{"prefix":"mine"}');
    expect(loadConfig({ LASTUNIT_CONFIG: '' }, folder)).toMatchObject({
      path: file,
      config: { prefix: 'mine' },
    });
  });

  test('is the one that LASTUNIT_CONFIG names before all others', () => {
    write('config/lastunit.json', '{"prefix":"mine"}');
    const file = write('other.json', '{"prefix":"other"}');
    for (const named of ['other.json', file]) {
      expect(loadConfig({ LASTUNIT_CONFIG: named }, folder)).toMatchObject({
        path: file,
        config: { prefix: 'other' },
      });
    }
  });

  test('that is named and not there is a problem, and nothing else is read instead', () => {
    write('config/lastunit.json', '{}');
    const loaded = loadConfig({ LASTUNIT_CONFIG: 'nowhere.json' }, folder);
    expect(loaded.path).toBe(join(folder, 'nowhere.json'));
    expect(loaded.problems?.[0]).toMatch(/^cannot be read: ENOENT/);
  });

  test('that is no JSON, or wrong, is a problem', () => {
    write('config/lastunit.json', '{"prefix":');
    expect(loadConfig({}, folder).problems?.[0]).toMatch(/^cannot be read: .*JSON/);
    write('config/lastunit.json', '{"prefix":1}');
    expect(loadConfig({}, folder).problems).toEqual(['prefix: must be string (it is 1)']);
  });
});
