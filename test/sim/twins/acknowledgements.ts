/**
 * The twin of the stream in which ERPs tell what they have posted. It is shared by all sources;
 * nothing recognises a message that was sent twice.
 */

import type { ErpAcknowledgement, ErpAcknowledgements } from '../../../src/ports.ts';
import type { Link } from './link.ts';
import type { World } from './world.ts';

type Stored = ErpAcknowledgement & { readonly source: string };

export class AcknowledgementState {
  readonly #world: World;
  readonly #stored: Stored[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get all(): readonly Stored[] {
    return this.#stored;
  }

  publish(source: string, payload: string): void {
    const seq = this.#stored.length + 1;
    this.#stored.push({ seq, source, payload, storedAtMs: this.#world.serverNowMs });
  }

  read(source: string, after: number): readonly ErpAcknowledgement[] {
    return this.#stored
      .filter((one) => one.source === source && one.seq > after)
      .map(({ seq, payload, storedAtMs }) => ({ seq, payload, storedAtMs }));
  }
}

/** The acknowledgements as one process sees them. They are stored where facts are. */
export function acknowledgementsTwin(link: Link): ErpAcknowledgements {
  const { acknowledgements } = link.world;
  return {
    async read(source, after, each) {
      const found = await link.ask('facts', `acknowledgements after ${after}`, () =>
        acknowledgements.read(source, after),
      );
      for (const one of found) each(one);
    },
  };
}
