/** A reconciler's bus that keeps what corrections it asks for and what it hears, as clients do. */

import type { Bus } from '../../../src/ports.ts';
import { PortError } from '../../../src/ports.ts';
import type { Attempt, Intent } from '../run-record.ts';
import type { World } from '../twins/world.ts';

const subjectPattern = /\.cmd\.([^.]+)\.([^.]+)$/;

export function recordedBus(bus: Bus, world: World, name: string, intents: Intent[]): Bus {
  const known = new Map<string, Intent>();
  const intentOf = (channel: string, verb: string, text: string): Intent => {
    const found = known.get(text);
    if (found) return found;
    const payload = JSON.parse(text);
    const intent: Intent = { client: name, channel, verb, payload, kind: 'sku', attempts: [] };
    known.set(text, intent);
    intents.push(intent);
    return intent;
  };
  return {
    ...bus,
    async request(subject, payload, timeoutMs) {
      const [, channel, verb] = subjectPattern.exec(subject) ?? [];
      if (!channel || !verb || typeof payload !== 'string') {
        return bus.request(subject, payload, timeoutMs);
      }
      const attempt: Attempt = { sentMs: world.timeline.nowMs };
      intentOf(channel, verb, payload).attempts.push(attempt);
      try {
        const reply = await bus.request(subject, payload, timeoutMs);
        attempt.answeredMs = world.timeline.nowMs;
        attempt.reply = JSON.parse(new TextDecoder().decode(reply));
        return reply;
      } catch (error) {
        if (error instanceof PortError) attempt.failure = error.code;
        throw error;
      }
    },
  };
}
