// Listens to everything on a server and checks each message of the public contract against its
// published schema: commands that were accepted, every reply, events, rows, facts. Made from the
// same definitions that validate in production, so code and published schema cannot drift apart.

import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { cartRequestSchemas } from '../../src/contract/cart.ts';
import { HistoryMessage } from '../../src/contract/event-schemas.ts';
import {
  acceptanceSchemas,
  cartAcceptanceSchemas,
  ErrorReply,
  GetReply,
} from '../../src/contract/reply-schemas.ts';
import { frameElementSchemas, requestSchemas } from '../../src/contract/requests.ts';
import { MetaRow, NodeRow, StockRow, ViewRowSchema } from '../../src/contract/row-schemas.ts';
import { createNames } from '../../src/contract/subjects.ts';

export interface WireTap {
  /** What did not fit its schema; at most a hundred. */
  readonly violations: readonly string[];
  /** How many messages of each kind were checked. */
  readonly checked: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

interface Asked {
  readonly kind: 'command' | 'frame';
  readonly verb: string;
  readonly request: unknown;
}

/** Rows as they are republished, by the beginning of their subject. */
const rows = [
  { kind: 'stock row', below: 'stock.', schema: StockRow },
  { kind: 'view row', below: 'view.', schema: ViewRowSchema },
  { kind: 'node row', below: 'nodes.node.', schema: NodeRow },
  { kind: 'meta row', below: 'nodes.meta', schema: MetaRow },
];

type Schemas = Readonly<Record<string, TSchema>>;

const compiled = new Map<TSchema, { Check(value: unknown): boolean }>();

function fits(schema: TSchema, value: unknown): boolean {
  let validator = compiled.get(schema);
  if (!validator) {
    validator = Compile(schema);
    compiled.set(schema, validator);
  }
  return validator.Check(value);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Begins to listen; resolves once the server knows. */
export async function tapWire(url: string, prefix = 'inv'): Promise<WireTap> {
  const connection: NatsConnection = await connect({ servers: url, name: 'wire-tap' });
  const { subjects } = createNames(prefix);
  const violations: string[] = [];
  const checked = new Map<string, number>();
  /** Requests by the subject on which their reply will come. */
  const asked = new Map<string, Asked>();

  const check = (kind: string, schema: TSchema | undefined, value: unknown, subject: string) => {
    checked.set(kind, (checked.get(kind) ?? 0) + 1);
    if (schema !== undefined && fits(schema, value)) return;
    if (violations.length >= 100) return;
    violations.push(`${kind} on ${subject} does not fit its schema: ${JSON.stringify(value)}`);
  };

  const checkReply = (verb: string, request: unknown, reply: unknown, subject: string) => {
    if (!isObject(reply) || reply.ok !== true) {
      return check('error reply', ErrorReply, reply, subject);
    }
    const isCart = Array.isArray(reply.lines);
    const replies: Schemas = isCart
      ? cartAcceptanceSchemas
      : { ...acceptanceSchemas, get: GetReply };
    check(isCart ? 'cart reply' : 'reply', replies[verb], reply, subject);
    // What was accepted must have been a request by the schema.
    const ofCart = isObject(request) && !('sku' in request);
    const requests: Schemas = ofCart ? cartRequestSchemas : requestSchemas;
    check(ofCart ? 'cart request' : 'request', requests[verb], request, subject);
  };

  const checkFrame = (request: unknown, reply: unknown, subject: string) => {
    if (!Array.isArray(reply)) return check('error reply', ErrorReply, reply, subject);
    for (const [index, item] of reply.entries()) {
      const element = (request as Record<string, unknown>[])[index] ?? {};
      const verb = String(element.verb);
      if (!isObject(item) || item.ok !== true) {
        check('error reply', ErrorReply, item, subject);
        continue;
      }
      const replies: Schemas = { ...acceptanceSchemas, get: GetReply };
      check('frame reply', replies[verb], item, subject);
      check('frame element', (frameElementSchemas as Schemas)[verb], element, subject);
    }
  };

  const remember = (message: Msg, kind: Asked['kind'], verb: string) => {
    if (!message.reply) return;
    asked.set(message.reply, { kind, verb, request: parsed(message) });
    // Requests without a reply (a node that was killed) must not pile up.
    if (asked.size > 200_000) asked.delete(asked.keys().next().value as string);
  };

  connection.subscribe('>', {
    callback: (error, message) => {
      if (error) return;
      const { subject } = message;
      const waiting = asked.get(subject);
      if (waiting) {
        // The server's own answer when nobody listens has no payload and no contract.
        if (message.data.length === 0) return;
        asked.delete(subject);
        if (waiting.kind === 'frame') checkFrame(waiting.request, parsed(message), subject);
        else checkReply(waiting.verb, waiting.request, parsed(message), subject);
        return;
      }
      const command = subjects.parseCommand(subject);
      if (command) return remember(message, 'command', command.verb);
      if (subjects.parseFrame(subject)) return remember(message, 'frame', '');
      if (subject.startsWith(`${prefix}.event.`)) {
        check('event', HistoryMessage, parsed(message), subject);
      }
      // A deleted row is republished without payload.
      if (message.data.length === 0) return;
      const row = rows.find(({ below }) => subject.startsWith(`${prefix}.pub.${below}`));
      if (row) check(row.kind, row.schema, parsed(message), subject);
    },
  });
  await connection.flush();
  return { violations, checked, close: () => connection.close() };
}

function parsed(message: Msg): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
