// The published schema of the file and the resolver agree about everything that one value decides.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { ConfigFile } from '../../../src/config/schema.ts';
import { repoRoot } from '../../support/source-text.ts';

const validate = new Ajv({ strict: true }).compile(JSON.parse(JSON.stringify(ConfigFile)));
const shipped = readFileSync(join(repoRoot, 'config/lastunit.json'), 'utf8');

describe('the schema of lastunit.json', () => {
  test('accepts the file that ships', () => {
    expect(validate(JSON.parse(shipped))).toBe(true);
  });

  const files: readonly unknown[] = [
    {},
    { $schema: './lastunit.schema.json' },
    { prefix: 'Inv' },
    { partitions: 4_097 },
    { limits: { commitBytesMax: 1 } },
    { limits: { channelShareMax: 0.5 } },
    { limits: { unknown: 1 } },
    { channels: {} },
    { channels: { web: { verbs: [] } } },
    { channels: { web: { view: true } } },
    { channels: { web: { verbs: ['get', 'get'] } } },
    { channels: { Web: { verbs: ['get'] } } },
    { factSources: { verbs: ['sell'] } },
    { factSources: { verbs: ['get'] } },
    { erp: { sources: { sap: { anything: [1] } } } },
    { erp: { surces: {} } },
    { edge: { anything: true } },
  ];
  test.each(files)('says the same of %j as the resolver', (file) => {
    expect(validate(file)).toBe(resolveConfig(file).problems === undefined);
  });
});
