// Reads the living nodes as of one revision of the bucket, from the stream's leader.

import type { Membership, NodeRecord } from '../ports.ts';
import { PortError } from '../ports.ts';
import { type JetStreamApi, type StoredMessage, unavailable } from './jetstream-api.ts';

/** Renewals make the bucket change all the time; this often it has to stand still for one read. */
const attemptsMax = 10;
const decoder = new TextDecoder();

/**
 * The nodes and the revision that they belong to. Reads again while the bucket changes meanwhile; if it
 * never stands still the revision is the one before the reads, which is never too high.
 */
export async function readMembership(
  api: JetStreamApi,
  stream: string,
  subjects: string,
  isAlive: (message: StoredMessage) => boolean,
): Promise<Membership> {
  let before = await stateOf(api, stream, subjects);
  for (let attempt = 1; ; attempt++) {
    const messages = await Promise.all(
      before.subjects.map((subject) => api.message(stream, { last_by_subj: subject })),
    );
    const after = await stateOf(api, stream, subjects);
    if (after.revision === before.revision || attempt === attemptsMax) {
      const alive = messages.filter((message) => message !== undefined).filter(isAlive);
      return { revision: before.revision, nodes: alive.map(recordOf).sort(byName) };
    }
    before = after;
  }
}

async function stateOf(
  api: JetStreamApi,
  stream: string,
  subjects: string,
): Promise<{ revision: number; subjects: string[] }> {
  try {
    const info = await api.info(stream, subjects);
    if (info === undefined) throw new PortError('misconfigured', `there is no stream ${stream}`);
    const { state } = info;
    return { revision: state.last_seq, subjects: Object.keys(state.subjects ?? {}) };
  } catch (error) {
    throw unavailable(error);
  }
}

function recordOf(message: StoredMessage): NodeRecord {
  return JSON.parse(decoder.decode(message.payload));
}

function byName(a: NodeRecord, b: NodeRecord): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
