// The AsyncAPI document: structure of version 3, no reference into nothing, everything published.

import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { asyncapiDocument } from '../../../scripts/asyncapi-document.ts';
import { publishedSchemas } from '../../../src/contract/json-schema.ts';
import { verbs } from '../../../src/contract/verbs.ts';

interface Channel {
  readonly address: string | null;
  readonly messages: Readonly<Record<string, unknown>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly action: string;
  readonly channel: { readonly $ref: string };
  readonly messages: readonly { readonly $ref: string }[];
  readonly reply?: {
    readonly channel: { readonly $ref: string };
    readonly messages: readonly { readonly $ref: string }[];
  };
}

interface Document {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: { readonly schemas: object; readonly messages: object };
}

const document = JSON.parse(
  JSON.stringify(asyncapiDocument({ version: '1.2.3', prefix: 'inv' })),
) as Document;

function resolve(reference: string): unknown {
  return reference
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
}

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' ? [String(item)] : references(item),
  );
}

describe('the AsyncAPI document', () => {
  test('is valid by the schema that AsyncAPI publishes', async () => {
    const require = createRequire(import.meta.url);
    const schema = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
    const ajv = new Ajv({ strict: false, allErrors: false, logger: false });
    addFormats.default(ajv);
    const valid = ajv.compile(schema);
    valid(document);
    expect(valid.errors ?? []).toEqual([]);
  });

  test('is of version 3 and says which lastunit it is about', () => {
    expect(document).toMatchObject({
      asyncapi: '3.0.0',
      info: { title: 'lastunit', version: '1.2.3' },
    });
  });

  test('refers to nothing that is not there', () => {
    const missing = references(document).filter((reference) => resolve(reference) === undefined);
    expect(missing).toEqual([]);
  });

  test('carries every published schema', () => {
    expect(Object.keys(document.components.schemas).length).toBe(publishedSchemas.size);
    for (const key of Object.keys(document.components.schemas)) expect(key).toMatch(/^[\w.-]+$/);
  });

  test('names the parameters of every address', () => {
    for (const { address, parameters = {} } of Object.values(document.channels)) {
      const used = [...(address ?? '').matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(Object.keys(parameters)).toEqual(used);
    }
  });

  test("lets an operation use its own channel's messages only", () => {
    for (const [name, { action, channel, messages, reply }] of Object.entries(
      document.operations,
    )) {
      expect(['send', 'receive'], name).toContain(action);
      for (const { $ref } of messages) expect($ref).toMatch(`${channel.$ref}/messages/`);
      for (const { $ref } of reply?.messages ?? []) {
        expect($ref).toMatch(`${reply!.channel.$ref}/messages/`);
      }
    }
  });

  test('has every command with its subject and its reply', () => {
    for (const verb of verbs) {
      expect(document.channels[`command.${verb}`]!.address).toBe(`inv.cmd.{channel}.${verb}`);
      const replies = document.operations[`command.${verb}`]!.reply!.messages;
      expect(replies.map(({ $ref }) => $ref)).toContain(`#/channels/reply/messages/reply.${verb}`);
    }
  });
});
