// What runs in a worker's process; see worker.ts.

import type { Line } from './worker.ts';

const [role = '', params = '{}'] = process.argv.slice(2);
const heard = new Set<string>();
const waiting = new Map<string, () => void>();

process.on('message', ({ tell }: { tell: string }) => {
  heard.add(tell);
  waiting.get(tell)?.();
});
process.once('disconnect', () => process.exit(1));

const told = (what: string) =>
  new Promise<void>((resolve) => {
    if (heard.has(what)) resolve();
    else waiting.set(what, resolve);
  });

const line: Line<unknown> = {
  params: JSON.parse(params),
  told,
  ready: () => {
    process.send?.({ ready: true });
    return told('go');
  },
};

try {
  const module = (await import(`../roles/${role}.js`)) as {
    run: (line: Line<unknown>) => Promise<unknown>;
  };
  const result = await module.run(line);
  process.send?.({ result: result ?? null }, () => process.exit(0));
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.send?.({ error: text }, () => process.exit(1));
}
