/**
 * The console's page: a few files, read once at the start and served from memory. No other path is ever looked up
 * in the file system.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { packageRoot } from './package-info.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Everything comes from here; a SKU with markup in it stays text. */
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

export function registerConsole(app: FastifyInstance): void {
  const folder = join(packageRoot(), 'src', 'console', 'page');
  for (const file of readdirSync(folder)) {
    const type = types[extname(file)];
    if (type === undefined) continue;
    const content = readFileSync(join(folder, file));
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 16)}"`;
    app.get(file === 'index.html' ? '/' : `/${file}`, (request, reply) => {
      reply.headers({
        etag,
        'cache-control': 'no-cache',
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(type).send(content);
    });
  }
}
