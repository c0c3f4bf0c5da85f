// A wire between a node and its nats-server that a test can read: everything that the node publishes is handed
// over with the moment at which it came. It forwards both ways and never drops anything.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** One message that the node has published. */
export interface Published {
  readonly subject: string;
  readonly payload: Buffer;
  readonly atMs: number;
}

export interface Tap {
  /** What the node connects to instead of the server. */
  readonly url: string;
  readonly published: readonly Published[];
  close(): Promise<void>;
}

/** `keep` says which subjects are kept; all are forwarded. */
export async function startTap(
  server: { readonly port: number },
  keep: (subject: string) => boolean,
): Promise<Tap> {
  const published: Published[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer((inside) => {
    const outside = connect(server.port, '127.0.0.1');
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    const read = publishReader((subject, payload) => {
      if (keep(subject)) published.push({ subject, payload, atMs: Date.now() });
    });
    inside.on('data', (chunk) => {
      read(chunk);
      outside.write(chunk);
    });
    inside.on('close', () => outside.end());
    outside.on('data', (chunk) => inside.write(chunk));
    outside.on('close', () => inside.end());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    url: `nats://127.0.0.1:${port}`,
    published,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

const lineEnd = Buffer.from('\r\n');

/** Finds the messages in what a client sends: `PUB s [r] n` and `HPUB s [r] h n`, each with a body. */
function publishReader(each: (subject: string, payload: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf(lineEnd);
      if (end < 0) return;
      const fields = rest.subarray(0, end).toString().split(' ');
      const verb = fields[0]?.toUpperCase();
      if (verb !== 'PUB' && verb !== 'HPUB') {
        rest = rest.subarray(end + 2);
        continue;
      }
      const total = Number(fields.at(-1));
      const start = end + 2;
      if (rest.length < start + total + 2) return;
      const headers = verb === 'HPUB' ? Number(fields.at(-2)) : 0;
      each(fields[1] as string, Buffer.from(rest.subarray(start + headers, start + total)));
      rest = rest.subarray(start + total + 2);
    }
  };
}
