// A real server, a node and reconcilers of one test file: set up before its tests and removed behind them.

import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { startNats, type TestNats } from './nats.ts';
import { connectChannel, startNode, type TestChannel, type TestNode } from './node.ts';
import {
  type MadeUpErp,
  startReconciler,
  type TestReconciler,
  type TestReconcilerOptions,
} from './reconciler.ts';

/** What happens is posted at once, unless a test says otherwise. */
export const promptly = { lanes: { '*': { maxPostingLagMs: 0, clockSkewMs: 0 } } };

export interface ReconcileWorld {
  readonly node: TestNode;
  readonly channel: TestChannel;
  /** Starts a reconciler of one source; what a test does not stop is stopped behind it. */
  reconciler(erp: MadeUpErp, options?: Partial<TestReconcilerOptions>): Promise<TestReconciler>;
  /** Receives so many of a SKU, once per SKU. */
  stocked(sku: string, qty: number): Promise<void>;
  onHand(sku: string): Promise<number>;
}

/** To be called at the top of a test file. */
export function reconcileWorld(): ReconcileWorld {
  let server: TestNats;
  let node: TestNode;
  let channel: TestChannel;
  const running = new Set<TestReconciler>();

  beforeAll(async () => {
    server = await startNats();
    node = await startNode({ url: server.url });
    channel = await connectChannel(server.url);
  });

  afterEach(async () => {
    for (const reconciler of running) await reconciler.stop();
  });

  afterAll(async () => {
    await channel?.close();
    await node?.stop();
    await server?.stop();
  });

  return {
    get node() {
      return node;
    },
    get channel() {
      return channel;
    },
    async reconciler(erp, options = {}) {
      const settings = { ...promptly, ...options.settings };
      const started = await startReconciler({
        nats: node.nats,
        sources: [erp],
        ...options,
        settings,
      });
      const stopped: TestReconciler = {
        ...started,
        async stop() {
          running.delete(stopped);
          await started.stop();
        },
      };
      running.add(stopped);
      return stopped;
    },
    async stocked(sku, qty) {
      const id = `g-${sku.replaceAll(' ', '-')}`;
      const reply = await channel.request('inv.cmd.wms.receive', { id, sku, qty });
      expect(reply.ok).toBe(true);
    },
    async onHand(sku) {
      return (await channel.request('inv.cmd.ops.get', { sku })).onHand as number;
    },
  };
}

/** The ERP shows one line so often, a moment apart. */
export function showing(erp: MadeUpErp, sku: string, ...quantities: number[]): void {
  for (const [i, qty] of quantities.entries()) {
    erp.show({ lines: [{ sku, location: 'main', qty }], asOfMs: Date.now() + i });
  }
}
