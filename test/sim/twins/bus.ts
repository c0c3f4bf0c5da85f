/**
 * Core messaging as one process sees it: requests that get lost, doubled and delayed, replies that
 * come too late, nobody listening, connections that break.
 */

import { type Bus, type Inbound, PortError } from '../../../src/ports.ts';
import type { Listener } from './bus-state.ts';
import type { Link } from './link.ts';

const encoder = new TextEncoder();

function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? encoder.encode(payload) : payload;
}

type Respond = NonNullable<Inbound['respond']>;

export function busTwin(link: Link): Bus {
  const { world } = link;
  const { timeline, faults, random } = world;

  /** Takes a message from the server to one receiver; `answered` gets what it responds. */
  const deliver = (
    to: Listener,
    subject: string,
    payload: Uint8Array,
    answered?: (payload: string) => void,
  ) => {
    let heldMs = 0;
    const respond: Respond = (text) => {
      if (heldMs > 0) {
        world.bus.thawed.push({ process: to.link.process.name, subject, heldMs, reply: text });
      }
      to.link.toServer(`${to.link.process.name} replies ${text}`, () => answered?.(text));
    };
    to.link.toProcess(subject, () => {
      if (to.ended) return;
      heldMs = to.link.process.heldMs;
      to.handle(answered ? { subject, payload, respond } : { subject, payload });
    });
  };

  /** At the server: to everybody concerned, and what networks do to it on the way. */
  const route = (subject: string, payload: Uint8Array, answered?: (payload: string) => void) => {
    const receivers = world.bus.receivers(subject);
    for (const to of receivers) {
      if (faults.strikes('message-lost')) continue;
      const times = faults.strikes('message-doubled') ? 2 : 1;
      for (let time = 0; time < times; time++) {
        const delayMs = faults.strikes('message-delayed') ? random.between(5, 3_000) : 0;
        if (delayMs === 0) deliver(to, subject, payload, answered);
        else
          timeline.after(delayMs, `late: ${subject}`, () =>
            deliver(to, subject, payload, answered),
          );
      }
    }
    return receivers.length;
  };

  return {
    serve(subject, options, handle) {
      const listener: Listener = {
        link,
        subject,
        tokens: subject.split('.'),
        queue: options.queue,
        handle,
        active: false,
        ended: false,
      };
      world.bus.add(listener);
      link.toServer(`${link.process.name} listens to ${subject}`, () => {
        listener.active = true;
      });
      return {
        unsubscribe: () => {
          listener.ended = true;
          world.bus.remove(listener);
        },
        drain: () =>
          new Promise((resolve) => {
            if (!link.connected) {
              world.bus.remove(listener);
              resolve();
              return;
            }
            // Should the connection break meanwhile, nothing more comes over it either.
            const timer = link.process.clock.after(world.options.callTimeoutMs, resolve);
            link.toServer(`${link.process.name} drains ${subject}`, () => {
              world.bus.remove(listener);
              link.toProcess('drained', () => {
                timer.cancel();
                resolve();
              });
            });
          }),
      };
    },

    request(subject, payload, timeoutMs) {
      return new Promise((resolve, reject) => {
        let open = true;
        const settle = (outcome: () => void) => {
          if (!open) return;
          open = false;
          timer.cancel();
          outcome();
        };
        const fail = (code: PortError['code']) => () =>
          settle(() => reject(new PortError(code, `${subject}: ${code}`)));
        const timer = link.process.clock.after(timeoutMs, fail('timeout'));
        if (!link.connected) {
          if (random.chance(0.5)) return;
          timeline.after(0.1, '', () =>
            link.process.enter('message', subject, fail('disconnected')),
          );
          return;
        }
        const bytes = bytesOf(payload);
        const answered = (text: string) => {
          const times = faults.strikes('message-doubled') ? 2 : 1;
          if (faults.strikes('message-lost')) return;
          for (let time = 0; time < times; time++) {
            link.toProcess('reply', () => settle(() => resolve(encoder.encode(text))));
          }
        };
        link.toServer(`${link.process.name} asks ${subject}`, () => {
          if (route(subject, bytes, answered) === 0) link.toProcess(subject, fail('no_responders'));
        });
      });
    },

    publish(subject, payload) {
      const bytes = bytesOf(payload);
      link.toServer(`${link.process.name} publishes ${subject}`, () => route(subject, bytes));
    },

    ping() {
      return new Promise((resolve, reject) => {
        if (!link.believedConnected) {
          reject(new PortError('disconnected', 'ping: not connected'));
          return;
        }
        const fail = (code: PortError['code']) => {
          settle();
          reject(new PortError(code, `ping: ${code}`));
        };
        const timer = link.process.clock.after(world.options.callTimeoutMs, () => fail('timeout'));
        const forget = link.onStatus((status) => {
          if (status === 'disconnected') fail('disconnected');
        });
        const settle = () => {
          timer.cancel();
          forget();
        };
        link.toServer(`${link.process.name} pings`, () =>
          link.toProcess('pong', () => {
            settle();
            resolve();
          }),
        );
      });
    },

    onStatus(changed) {
      return { unsubscribe: link.onStatus(changed) };
    },
  };
}
