// Port `ErpAcknowledgements`: what the ERP says it has posted, kept in a stream, so that whichever node reconciles
// next knows it too. An ERP publishes to `inv.erp.<source>.ack`, with or without JetStream's acknowledgement.

import type { Names } from '../contract/subjects.ts';
import type { ErpAcknowledgements } from '../ports.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { readInOrder } from './ordered-read.ts';

/** Makes the port; the stream exists already (provision.ts). */
export function createErpAcknowledgements(api: JetStreamApi, names: Names): ErpAcknowledgements {
  const stream = names.streams.erp;
  return {
    async read(source, after, each) {
      const subject = names.subjects.erpAck(source);
      const last = await api.message(stream, { last_by_subj: subject });
      if (last === undefined || last.seq <= after) return;
      const range = { stream, subject, from: after + 1, to: last.seq };
      await readInOrder(api, { ...range, stallMs: 2_000, giveUpMs: 30_000 }, (message) => {
        const { seq, storedAtMs } = message;
        each({ seq, payload: message.text(), storedAtMs });
      });
    },
  };
}
