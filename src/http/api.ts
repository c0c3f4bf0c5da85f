/**
 * `/api/*`: what the system publishes, as JSON. Rows and events have the contract's shapes; numbers that are only
 * displayed come from the read models, never from the actors.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ReadModels } from '../nats/read-models.ts';
import { type Backend, type ProposalChoice, type ServiceInfo, viewChannels } from './backend.ts';
import type { ChangeFeed } from './changes.ts';
import { SkuIndex } from './sku-index.ts';
import { explainSku, historyOf } from './sku-story.ts';

export interface ApiOptions {
  readonly info: ServiceInfo;
  readonly backend: () => Backend | undefined;
  readonly feed: ChangeFeed;
}

/**
 * A SKU is a part of the path, or `?sku=`: clients resolve `..` in a path by themselves, and that may be a SKU.
 */
interface AboutSku {
  Params: { '*'?: string };
  Querystring: { sku?: string; limit?: string; channel?: string; at?: string };
}

const pageDefault = 50;
const pageMax = 200;
const historyDefault = 200;
const historyMax = 5_000;

/** Not connected yet. */
class NotReadyError extends Error {
  readonly statusCode = 503;
}

export function registerApi(app: FastifyInstance, options: ApiOptions): void {
  const { info, feed } = options;
  const channels = viewChannels(info.config);
  const index = new SkuIndex();
  const backend = () => {
    const current = options.backend();
    if (current === undefined) throw new NotReadyError('the node is starting');
    return current;
  };
  const read = () => backend().read;

  app.get('/api/info', () => ({
    version: info.version,
    prefix: info.config.prefix,
    partitions: info.config.partitions,
    node: options.backend()?.node.status().name,
    channels: [...info.config.rules.channels.values()].map(({ name, view, verbs }) => ({
      name,
      view,
      verbs: [...verbs],
    })),
  }));

  app.get<{ Querystring: { q?: string; sku?: string; limit?: string; offset?: string } }>(
    '/api/stock',
    async ({ query }, reply) => {
      if (query.sku !== undefined) return oneSku(query.sku, reply);
      const limit = numberIn(query.limit, pageDefault, 1, pageMax);
      const offset = numberIn(query.offset, 0, 0, Number.MAX_SAFE_INTEGER);
      const found = await index.search(read(), query.q ?? '', offset, limit);
      const rows = await Promise.all(found.skus.map((sku) => skuRow(read(), sku, channels)));
      return { ...found, rows: rows.filter((row) => row !== undefined), skus: undefined };
    },
  );

  const oneSku = async (sku: string, reply: FastifyReply) =>
    (await skuRow(read(), sku, channels)) ?? unknownSku(reply, sku);
  app.get<AboutSku>('/api/stock/*', (request, reply) => oneSku(skuIn(request), reply));

  for (const path of ['/api/history', '/api/history/*']) {
    app.get<AboutSku>(path, async (request, reply) => {
      const limit = numberIn(request.query.limit, historyDefault, 1, historyMax);
      const sku = skuIn(request);
      return (await historyOf(read(), sku, limit)) ?? unknownSku(reply, sku);
    });
  }

  for (const path of ['/api/explain', '/api/explain/*']) {
    app.get<AboutSku>(path, async (request, reply) => {
      const { channel, at } = request.query;
      const atMs = at === undefined ? Number.NaN : Number(at);
      const sku = skuIn(request);
      const explained = await explainSku(read(), sku, {
        config: info.config,
        channel,
        atMs: Number.isFinite(atMs) ? atMs : undefined,
      });
      return explained ?? unknownSku(reply, sku);
    });
  }

  app.get('/api/nodes', async () => {
    const { node } = backend();
    return { nodes: await read().nodes(), here: node.status() };
  });

  app.get('/api/reconcile', async () => {
    const bucket = `${info.config.prefix}_reconcile`;
    const values = read();
    const open = await values.values(bucket, 'open.>');
    return { latest: (await values.value(bucket, 'latest')) ?? null, open: [...open.values()] };
  });

  // JSON bodies only: a page from elsewhere would have to ask before sending one, and is not answered.
  for (const what of ['approve', 'reject'] as const) {
    app.post<{ Body: unknown }>(`/api/reconcile/${what}`, async ({ body }, reply) => {
      const { decide } = backend();
      const choice = choiceIn(body);
      if (choice === undefined || decide === undefined) {
        void reply.code(400);
        return { error: { code: 'invalid_request', message: 'needs {sku, location?, source?}' } };
      }
      return { results: await decide(what, choice) };
    });
  }

  app.get<{ Querystring: { sku?: string } }>('/api/changes', (request, reply) => {
    backend();
    reply.hijack();
    feed.stream(reply.raw, request.query.sku);
  });
}

function skuIn({ params, query }: Pick<FastifyRequest<AboutSku>, 'params' | 'query'>): string {
  return params['*'] ?? query.sku ?? '';
}

/** A row of `inv_stock` with what each channel sees. */
async function skuRow(read: ReadModels, sku: string, channels: readonly string[]) {
  const [row, ...views] = await Promise.all([
    read.stock(sku),
    ...channels.map((channel) => read.view(channel, sku)),
  ]);
  if (row === undefined) return undefined;
  const seen = channels.map((channel, at) => {
    const view = views[at];
    return [channel, view && { available: view.available, status: view.status }];
  });
  return { ...row, channels: Object.fromEntries(seen) };
}

function choiceIn(body: unknown): ProposalChoice | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { sku, location, source } = body as Record<string, unknown>;
  if (typeof sku !== 'string') return undefined;
  return {
    sku,
    ...(typeof location === 'string' ? { location } : {}),
    ...(typeof source === 'string' ? { source } : {}),
  };
}

function unknownSku(reply: FastifyReply, sku: string) {
  void reply.code(404);
  return { error: { code: 'unknown_sku', message: `${sku}: never seen`, sku } };
}

function numberIn(text: string | undefined, fallback: number, least: number, most: number): number {
  const value = Number(text);
  if (text === undefined || !Number.isInteger(value)) return fallback;
  return Math.min(most, Math.max(least, value));
}
