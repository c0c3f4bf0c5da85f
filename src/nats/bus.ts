// Port `Bus`: core NATS messages between clients and nodes.
//
// 1. A handler that throws is our bug: it is raised outside the client's reader, which would otherwise stop
//    reading for good.
// 2. Nothing is sent while disconnected: what the client buffers then would arrive late or never.

import type { Msg } from '@nats-io/transport-node';
import { type Bus, type Inbound, PortError } from '../ports.ts';
import { toPortError } from './errors.ts';
import { guarded } from './guarded.ts';
import { header, headerBlock } from './headers.ts';
import type { Mux } from './mux.ts';

/** Makes the port from a mux and its connection. */
export function createBus(mux: Mux): Bus {
  const { connection } = mux;
  return {
    serve(subject, options, handle) {
      const subscription = connection.subscribe(subject, {
        ...(options.queue === undefined ? {} : { queue: options.queue }),
        callback: (error, message) => {
          if (error === null) guarded(() => handle(inbound(mux, message)));
        },
      });
      return {
        unsubscribe: () => {
          if (!connection.isClosed()) subscription.unsubscribe();
        },
        async drain() {
          if (!connection.isClosed()) await subscription.drain();
        },
      };
    },

    async request(subject, payload, timeoutMs) {
      return (await mux.request(subject, payload, { timeoutMs })).payload;
    },

    publish: (subject, payload) => mux.publish(subject, payload),

    async ping() {
      if (mux.status === 'disconnected') throw new PortError('disconnected', 'not connected');
      try {
        await connection.flush();
      } catch (error) {
        throw toPortError(error, 'ping');
      }
    },

    onStatus: (changed) => mux.onStatus(changed),
  };
}

function inbound(mux: Mux, message: Msg): Inbound {
  const { subject, data: payload, reply } = message;
  if (reply === undefined || reply === '') return { subject, payload };
  return {
    subject,
    payload,
    respond(text, error) {
      const headers =
        error === undefined
          ? undefined
          : headerBlock({
              [header.serviceErrorNumber]: error.number,
              [header.serviceErrorCode]: error.code,
            });
      mux.publish(reply, text, headers);
    },
  };
}
