/**
 * The public contract as an AsyncAPI 3 document, made from the schemas that validate and the names
 * that the runtime uses: it cannot say anything else than the code does. Actions are lastunit's:
 * it receives commands and facts, and sends replies, events and rows.
 */

import { publishedSchemas } from '../src/contract/json-schema.ts';
import { createNames } from '../src/contract/subjects.ts';
import { cartVerbs, factVerbs, verbs } from '../src/contract/verbs.ts';

type Json = Readonly<Record<string, unknown>>;

interface Channel {
  readonly address: string | null;
  readonly description: string;
  /** Names of published schemas. */
  readonly messages: readonly string[];
}

const parameters: Readonly<Record<string, string>> = {
  channel: 'A configured sales or stock channel',
  source: 'Who reports the fact; counts as its channel',
  skuKey: 'The SKU with every byte outside A–Z a–z 0–9 _ - as =HH',
  partition: 'FNV-1a 32 over the skuKey, modulo the number of partitions',
};

export interface DocumentOptions {
  readonly version: string;
  /** Subject prefix. */
  readonly prefix: string;
}

export function asyncapiDocument({ version, prefix }: DocumentOptions): Json {
  const channels = channelsOf(prefix);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'lastunit',
      version,
      description:
        'Inventory that never sells the last unit twice: commands, facts, events, views.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { nats: { host: 'localhost:4222', protocol: 'nats' } },
    channels: mapValues(channels, channelJson),
    operations: operationsOf(channels),
    components: {
      schemas: Object.fromEntries(
        [...publishedSchemas].map(([name, schema]) => [component(name), schema]),
      ),
      messages: Object.fromEntries(
        [...publishedSchemas.keys(), ...Object.keys(arrays)].map((name) => [
          component(name),
          messageJson(name),
        ]),
      ),
    },
  };
}

/** Messages that are arrays of others. */
const arrays: Readonly<Record<string, readonly string[]>> = {
  frame: verbs.map((verb) => `frame-element:${verb}`),
  'frame-reply': [...verbs.map((verb) => `reply:${verb}`), 'reply:error'],
};

function channelsOf(prefix: string): Record<string, Channel> {
  const { subjects } = createNames(prefix);
  const channels: Record<string, Channel> = {};
  for (const verb of verbs) {
    const isCart = (cartVerbs as readonly string[]).includes(verb);
    channels[`command.${verb}`] = {
      address: subjects.command('{channel}', verb),
      description: `Command ${verb}: a request, answered when it is durable`,
      messages: isCart ? [`command:${verb}`, `cart-command:${verb}`] : [`command:${verb}`],
    };
  }
  channels.frame = {
    address: `${prefix}.p.{partition}.{channel}`,
    description: 'Many commands of one partition in one request; the reply is in the same order',
    messages: ['frame'],
  };
  for (const verb of factVerbs) {
    channels[`fact.${verb}`] = {
      address: subjects.fact('{source}', verb, '{skuKey}'),
      description: `Fact ${verb}: stored by JetStream, applied exactly once and in order per SKU`,
      messages: [`fact:${verb}`],
    };
  }
  channels.dead = {
    address: subjects.dead('{source}'),
    description: 'Facts that could not be applied, with Lastunit-Error-Code and Lastunit-Error',
    messages: factVerbs.map((verb) => `fact:${verb}`),
  };
  channels.postingAck = {
    address: subjects.postingAck('{source}'),
    description: 'Documents that the ERP has posted',
    messages: ['reconcile:posting-ack'],
  };
  channels.event = {
    address: subjects.event('{skuKey}'),
    description: 'The history of one SKU, in order',
    messages: ['event:message'],
  };
  channels.stock = {
    address: subjects.publishedStock('{skuKey}'),
    description: 'Every change of a row of the stock bucket',
    messages: ['row:stock'],
  };
  channels.view = {
    address: subjects.publishedView('{channel}', '{skuKey}'),
    description: "Every change of a row of a channel's view bucket",
    messages: ['row:view'],
  };
  channels.reply = {
    address: null,
    description: "The request's own reply subject",
    messages: [
      ...verbs.map((verb) => `reply:${verb}`),
      ...cartVerbs.map((verb) => `cart-reply:${verb}`),
      'reply:error',
      'frame-reply',
    ],
  };
  return channels;
}

function channelJson({ address, description, messages }: Channel): Json {
  const used = [...(address ?? '').matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const described = used.map((name) => [name, { description: parameters[name] }]);
  return {
    address,
    description,
    messages: Object.fromEntries(
      messages.map((name) => [
        component(name),
        { $ref: `#/components/messages/${component(name)}` },
      ]),
    ),
    ...(described.length === 0 ? {} : { parameters: Object.fromEntries(described) }),
  };
}

/** Channels that lastunit writes; it reads all others, and `reply` belongs to the requests. */
const written: ReadonlySet<string> = new Set(['dead', 'event', 'stock', 'view']);

function operationsOf(channels: Readonly<Record<string, Channel>>): Json {
  const operations: Record<string, Json> = {};
  for (const [name, channel] of Object.entries(channels)) {
    if (name === 'reply') continue;
    operations[name] = {
      action: written.has(name) ? 'send' : 'receive',
      channel: { $ref: `#/channels/${name}` },
      messages: channel.messages.map((message) => channelMessage(name, message)),
      ...replyOf(name, channel),
    };
  }
  return operations;
}

function replyOf(name: string, { messages }: Channel): Json {
  const answered = name === 'frame' ? ['frame-reply'] : messages.flatMap(replyName);
  if (answered.length === 0) return {};
  return {
    reply: {
      channel: { $ref: '#/channels/reply' },
      messages: [...answered, 'reply:error'].map((message) => channelMessage('reply', message)),
    },
  };
}

function replyName(message: string): string[] {
  const [kind, verb] = message.split(':');
  if (kind === 'command') return [`reply:${verb}`];
  return kind === 'cart-command' ? [`cart-reply:${verb}`] : [];
}

function messageJson(name: string): Json {
  const items = arrays[name];
  const payload =
    items === undefined
      ? schemaReference(name)
      : { type: 'array', items: { anyOf: items.map(schemaReference) } };
  return { name, payload };
}

function schemaReference(name: string): Json {
  return { $ref: `#/components/schemas/${component(name)}` };
}

function channelMessage(channel: string, message: string): Json {
  return { $ref: `#/channels/${channel}/messages/${component(message)}` };
}

/** Names of components may not contain a colon. */
function component(name: string): string {
  return name.replaceAll(':', '.');
}

function mapValues<A, B>(values: Readonly<Record<string, A>>, change: (value: A) => B) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
