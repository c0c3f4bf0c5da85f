/**
 * The HTTP service of a node: listens first, answers more as the start goes on.
 *
 * 1. `/healthz` says that the process lives; `/readyz` is 200 only while commands are served.
 * 2. Only for this machine unless configured otherwise; then a request must also name this machine as its host, so
 *    that a page from elsewhere cannot read it through a name of its own (DNS rebinding).
 * 3. Closing does not wait for browsers: their event streams are ended.
 */

import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from '../runtime/log.ts';
import { registerApi } from './api.ts';
import type { Backend, ServiceInfo } from './backend.ts';
import { ChangeFeed } from './changes.ts';
import { registerConsole } from './console-files.ts';
import { isForeignHost } from './guard.ts';
import { metricsText, metricsType } from './metrics-text.ts';

export interface HttpOptions extends ServiceInfo {
  readonly log: Logger;
}

export interface HttpService {
  /** `http://host:port`; empty until it listens. */
  readonly url: string;
  /** Rejects with the system's error (`EADDRINUSE` …). */
  listen(host: string, port: number): Promise<void>;
  /** From here on there is something to show. */
  serve(backend: Backend): void;
  /** Commands are served. */
  ready(): void;
  /** Commands are served no more; everything else goes on until `close`. */
  notReady(): void;
  close(): Promise<void>;
}

/** Longest path that is read: a SKU of 128 code points, percent-encoded. */
const pathLengthMax = 4_096;

export function createHttp(options: HttpOptions): HttpService {
  const { log } = options;
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: pathLengthMax },
    bodyLimit: 65_536,
  });
  const feed = new ChangeFeed(options.config);
  let backend: Backend | undefined;
  let isReady = false;
  let url = '';

  const current = () => backend;
  registerProbes(app, current, () => isReady);
  registerApi(app, { info: options, backend: current, feed });
  registerConsole(app);
  app.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 503;
    if (status >= 500) log.warn({ path: request.url, error }, 'HTTP request failed');
    void reply.code(status).send({ error: { code: 'failed', message: error.message } });
  });

  return {
    get url() {
      return url;
    },
    async listen(host, port) {
      guardAgainstRebinding(app, host);
      await app.listen({ host, port });
      const address = app.server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
      url = `http://${shown.includes(':') ? `[${shown}]` : shown}:${bound}`;
    },
    serve(next) {
      backend = next;
      feed.attach(next.read);
    },
    ready() {
      isReady = true;
    },
    notReady() {
      isReady = false;
    },
    async close() {
      isReady = false;
      feed.close();
      await app.close();
    },
  };
}

function registerProbes(
  app: FastifyInstance,
  backend: () => Backend | undefined,
  isReady: () => boolean,
): void {
  app.get('/healthz', () => ({ status: 'alive' }));
  app.get('/readyz', (_request, reply) => {
    const serving = isReady() && backend()?.connected() === true;
    void reply.code(serving ? 200 : 503).send({ status: serving ? 'ready' : 'not ready' });
  });
  app.get('/metrics', async (_request, reply) => {
    void reply.type(metricsType);
    return metricsText(backend());
  });
}

function guardAgainstRebinding(app: FastifyInstance, host: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!isForeignHost(host, request.headers.host)) return;
    await reply.code(403).send({
      error: { code: 'forbidden', message: 'this console answers to this machine only' },
    });
  });
}
