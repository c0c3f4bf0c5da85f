// What a configuration file may say, and that everything wrong with it is said at once.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { repoRoot } from '../../support/source-text.ts';

describe('the defaults', () => {
  test('config/lastunit.json says what holds without a file', () => {
    const text = readFileSync(join(repoRoot, 'config/lastunit.json'), 'utf8');
    expect(resolveConfig(JSON.parse(text))).toEqual(resolveConfig({}));
    expect(resolveConfig({}).problems).toBeUndefined();
  });
});
