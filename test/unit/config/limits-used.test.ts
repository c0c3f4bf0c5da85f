// A limit that nobody reads would be a promise that nobody keeps.

import { expect, test } from 'vitest';
import { limitDefinitions } from '../../../src/config/defaults.ts';
import { sourceFiles } from '../../support/source-text.ts';

const elsewhere = sourceFiles('src', 'actors')
  .filter((file) => !file.path.startsWith('src/config/'))
  // Declared there, read by others.
  .filter((file) => !['src/contract/limits.ts', 'src/domain/rules.ts'].includes(file.path))
  .map((file) => file.code)
  .join('\n');

test.each(Object.keys(limitDefinitions))('%s is read outside the configuration', (name) => {
  expect(new RegExp(`\\b${name}\\b`).test(elsewhere)).toBe(true);
});
