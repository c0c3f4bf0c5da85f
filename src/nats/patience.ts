// Repeats a publish that the server has certainly not stored: another with the same expectation was in flight
// (10164, in clusters), or it was short of something for a moment. For a short while only: what lasts longer is
// the caller's to handle.

import { setTimeout as sleep } from 'node:timers/promises';
import type { PublishResult } from './publish-acked.ts';

const attemptsMax = 8;
const firstWaitMs = 2;

/** The first result that is not `rejected`, or the last one: at most 250 ms of waiting. */
export async function patiently(publish: () => Promise<PublishResult>): Promise<PublishResult> {
  let waitMs = firstWaitMs;
  for (let attempt = 1; ; attempt++) {
    const result = await publish();
    if (result.kind !== 'rejected' || attempt === attemptsMax) return result;
    await sleep(waitMs);
    waitMs *= 2;
  }
}
