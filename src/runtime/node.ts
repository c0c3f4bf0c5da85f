/**
 * A node: joins the others, owns its share of the partitions, takes commands from channels, and
 * leaves without losing any. The same code in production and in the simulation; everything outside
 * comes in through `Ports`.
 */

import { Gate } from '../concurrency.ts';
import type { LastunitConfig } from '../config/config.ts';
import { journalSchema } from '../contract/journal-message.ts';
import { createNames } from '../contract/subjects.ts';
import type { Inbound, JournalMeta, Membership, Ports, Subscription } from '../ports.ts';
import { answerInner, cartRemote } from './cart-remote.ts';
import { IdIndex } from './id-index.ts';
import type { Logger } from './log.ts';
import { MembershipKeeper } from './membership.ts';
import { type Metrics, noMetrics } from './metrics.ts';
import { NodeTime } from './node-time.ts';
import { MessageIds } from './partition/committer.ts';
import type { Partition, PartitionStatus } from './partition/partition.ts';
import { ResidentBudget } from './partition/resident-budget.ts';
import type { NodeShared } from './partition/session.ts';
import { Partitions } from './partitions.ts';
import { Router } from './router.ts';
import { answerRows } from './rows-remote.ts';
import { Slots } from './slots.ts';
import { StallWatch } from './stall-watch.ts';

/** Snapshot pages that are being written, of all partitions: what else the node does comes in between. */
const pagesInFlightMax = 16;

export interface NodeOptions {
  /** Unique among the living nodes: `[a-z0-9-]{1,32}`. */
  readonly name: string;
  /** Unique among all runs of all nodes: names this process's journal messages (invariant 4). */
  readonly incarnation: string;
  readonly log: Logger;
  readonly metrics?: Metrics;
  /** Shown in `inv_nodes`. */
  readonly httpUrl?: () => string | undefined;
  /** Another process has taken our name: this node has stopped serving. */
  readonly onTaken?: () => void;
}

export interface NodeStatus {
  readonly name: string;
  readonly incarnation: string;
  readonly ready: boolean;
  readonly partitions: readonly PartitionStatus[];
  readonly membership: Membership;
  readonly clockOffsetMs: number;
  readonly residents: number;
  readonly forwards: number;
}

/** The journal is of another shape than this node's configuration: it must not join. */
export class ConfigurationMismatchError extends Error {
  readonly code = 'configuration_mismatch';
}

export interface LastunitNode {
  /** Resolves when commands are served, also if another node owns all partitions. */
  start(): Promise<void>;
  /** Finishes what was accepted, hands over, leaves. */
  stop(): Promise<void>;
  status(): NodeStatus;
}

export function createNode(
  config: LastunitConfig,
  ports: Ports,
  options: NodeOptions,
): LastunitNode {
  return new Node(config, ports, options);
}

/** Others may write to us as soon as they see our key, which is before we hear that it is there. */
const earlyMessagesMax = 10_000;

class Node implements LastunitNode {
  readonly #config: LastunitConfig;
  readonly #ports: Ports;
  readonly #options: NodeOptions;
  readonly #time: NodeTime;
  readonly #shared: NodeShared;
  readonly #membership: MembershipKeeper;
  readonly #partitions: Partitions;
  readonly #router: Router;
  readonly #stall: StallWatch;
  readonly #names;
  #meta: JournalMeta | undefined;
  #recording: Promise<void> = Promise.resolve();
  #subscriptions: Subscription[] = [];
  #readyWaiting: (() => void)[] = [];
  #clockOff = false;
  /** Messages since the last attempt to join: not ours before our name is. Undefined: it is. */
  #early: Inbound[] | undefined = [];

  constructor(config: LastunitConfig, ports: Ports, options: NodeOptions) {
    this.#config = config;
    this.#ports = ports;
    this.#options = options;
    this.#names = createNames(config.prefix);
    this.#time = new NodeTime(ports.clock, config.limits.clockOffsetMaxMs);
    this.#shared = {
      config,
      ports,
      log: options.log,
      node: options.name,
      incarnation: options.incarnation,
      ids: new MessageIds(options.incarnation),
      idIndex: new IdIndex({ ...config.limits, now: () => ports.clock.now() }),
      slots: new Slots(config.limits.commitsInFlightMax),
      checkpointSlots: new Slots(config.limits.checkpointsInFlightMax),
      pagesInFlight: new Gate(pagesInFlightMax),
      budget: new ResidentBudget(config.limits.residentsMax, ports.clock),
      meta: () => this.#knownMeta(),
      recordGenesis: (partition) => this.#recordGenesis(partition),
      genesisRecorded: (partition) => this.#genesisRecorded(partition),
      membershipRevision: () => this.#membership.revision,
      membershipRefreshed: () => this.#membership.refreshed(),
      owns: (partition) => this.#membership.ownerOf(partition) === options.name,
      mayClaim: (partition) => this.#partitions.mayClaim(partition),
      metrics: options.metrics ?? noMetrics,
      now: () => this.#time.now(),
      standstill: () => this.#stall.stale(),
    };
    const local = (partition: number) => this.#local(partition);
    const ownerOf = (partition: number) => this.#membership.ownerOf(partition);
    this.#stall = new StallWatch(ports.clock, {
      stallMaxMs: config.limits.stallMaxMs,
      ping: () => ports.bus.ping(),
      onStall: (lateMs) => this.#stalled(lateMs),
    });
    this.#router = new Router({
      config,
      names: this.#names,
      bus: ports.bus,
      node: options.name,
      metrics: this.#shared.metrics,
      now: this.#shared.now,
      local,
      ownerOf,
      isSilent: (node) => this.#membership.isSilent(node),
      stale: this.#shared.standstill,
    });
    this.#partitions = new Partitions({
      shared: this.#shared,
      membership: () => this.#membership,
      remote: cartRemote({
        config,
        names: this.#names,
        bus: ports.bus,
        node: options.name,
        local,
        ownerOf,
      }),
      onCart: (work) => this.#router.toHome(work),
      redirect: (work) => this.#router.redirect(work),
      redirectCart: (command, slot) => this.#router.redirectCart(command, slot),
      askHandOver: (node, partition) => this.#askHandOver(node, partition),
      onChange: () => this.#partitionsChanged(),
    });
    this.#membership = new MembershipKeeper({
      config,
      ports,
      log: options.log,
      time: this.#time,
      name: options.name,
      incarnation: options.incarnation,
      httpUrl: options.httpUrl ?? (() => undefined),
      serving: () => this.#partitions.held(),
      onChange: () => this.#partitions.align(),
      onTaken: () => this.#taken(),
      onAttempt: () => {
        this.#early = [];
      },
      onTime: () => this.#timeKnown(),
    });
  }

  async start(): Promise<void> {
    const { log, name } = this.#options;
    await this.#agreeOnMeta();
    this.#stall.start();
    this.#subscriptions = [
      this.#ports.bus.serve(this.#names.subjects.allOfNode(name), {}, (m) => this.#onNode(m)),
      this.#ports.bus.onStatus((status) => {
        if (status === 'disconnected') this.#membership.disturbed();
        else for (const partition of this.#partitions.values()) partition.reconnected();
        log.warn({ status }, 'connection to NATS');
      }),
      this.#ports.facts.onArrival(() => {
        for (const partition of this.#partitions.values()) partition.wakeFacts();
      }),
    ];
    await this.#membership.join();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#onNode(message);
    this.#router.start();
    await this.#ready();
    log.info({ name, partitions: this.#partitions.held().length }, 'serving');
  }

  async stop(): Promise<void> {
    this.#partitions.stopTaking();
    await this.#membership.announceLeaving().catch((error: unknown) => {
      this.#options.log.warn({ error }, 'leaving without telling the others');
    });
    await this.#router.drain();
    await this.#partitions.leaveAll(this.#othersLive());
    await this.#router.settled();
    await this.#membership.leave().catch((error: unknown) => {
      this.#options.log.warn({ error }, 'our membership is left to its TTL');
    });
    this.#router.stop();
    this.#stall.stop();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  status(): NodeStatus {
    return {
      name: this.#options.name,
      incarnation: this.#options.incarnation,
      ready: this.#isReady(),
      partitions: this.#partitions.statuses(),
      membership: this.#membership.membership,
      clockOffsetMs: this.#time.offsetMs,
      residents: this.#shared.budget.count,
      forwards: this.#router.forwards,
    };
  }

  async #agreeOnMeta(): Promise<void> {
    const wanted: JournalMeta = {
      partitions: this.#config.partitions,
      schema: journalSchema,
      epoch: this.#options.incarnation,
      genesis: [],
    };
    this.#meta = await this.#ports.members.meta(wanted);
    if (this.#meta.partitions !== this.#config.partitions) {
      throw new ConfigurationMismatchError(
        `the journal has ${this.#meta.partitions} partitions, this node is configured for ${this.#config.partitions}: set "partitions" to ${this.#meta.partitions}`,
      );
    }
    if (this.#meta.schema > journalSchema) {
      throw new ConfigurationMismatchError(
        `the journal has schema ${this.#meta.schema}, this node knows ${journalSchema}: update lastunit here`,
      );
    }
  }

  #knownMeta(): JournalMeta {
    if (!this.#meta) throw new Error('meta is read before anything starts');
    return this.#meta;
  }

  /** With a clock that is too far off nothing is decided here: others own the partitions, or nobody. */
  #local(partition: number): Partition | undefined {
    return this.#time.off ? undefined : this.#partitions.get(partition);
  }

  async #genesisRecorded(partition: number): Promise<boolean> {
    const meta = await this.#ports.members.meta(this.#knownMeta());
    return meta.genesis.includes(partition);
  }

  /** One after another: all of them replace the same key. */
  #recordGenesis(partition: number): Promise<void> {
    const recorded = this.#recording.then(async () => {
      await this.#ports.members.recordGenesis(partition);
      const meta = this.#knownMeta();
      if (!meta.genesis.includes(partition)) {
        this.#meta = { ...meta, genesis: [...meta.genesis, partition] };
      }
    });
    // A failure is its own caller's; the next one tries for itself.
    this.#recording = recorded.catch(() => {});
    return recorded;
  }

  /** `<prefix>.n.<node>.<what…>` */
  #onNode(message: Inbound): void {
    if (this.#early) {
      if (this.#stall.stale()) this.#refusePast(message);
      else if (this.#early.length < earlyMessagesMax) this.#early.push(message);
      return;
    }
    const [, , , what = '', ...rest] = message.subject.split('.');
    if (what === 'inner') {
      if (this.#stall.stale()) return answerInner(message, undefined);
      return answerInner(message, this.#local(Number(rest[0])));
    }
    if (what === 'handover') {
      void this.#handOver(Number(rest[0])).then((done) => message.respond?.(done));
      return;
    }
    if (what === 'rows') {
      return answerRows(message, this.#local(Number(rest[0])));
    }
    if (what === 'status') {
      message.respond?.(JSON.stringify(this.status()));
      return;
    }
    this.#router.onForwarded(message, Number(what), rest.join('.'));
  }

  /** Came before or while this process stood still and was still joining. What asks for no effect may be lost. */
  #refusePast(message: Inbound): void {
    const [, , , what = '', ...rest] = message.subject.split('.');
    if (what === 'inner') return answerInner(message, undefined);
    // The router refuses whatever it is given now.
    if (/^\d+$/.test(what)) this.#router.onForwarded(message, Number(what), rest.join('.'));
  }

  /** Another node believes that it owns a partition of ours. */
  async #handOver(partition: number): Promise<string> {
    await this.#membership.refreshed();
    if (this.#membership.ownerOf(partition) === this.#options.name) return 'mine';
    await this.#partitions.handOver(partition);
    return 'released';
  }

  async #askHandOver(node: string, partition: number): Promise<'released' | 'mine' | 'silent'> {
    try {
      const reply = await this.#ports.bus.request(
        this.#names.subjects.node(node, 'handover', partition),
        '',
        this.#config.limits.handoverTimeoutMs,
      );
      return new TextDecoder().decode(reply) === 'mine' ? 'mine' : 'released';
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ node, partition, why }, 'no hand-over; claiming without it');
      return 'silent';
    }
  }

  #partitionsChanged(): void {
    this.#membership.refresh();
    if (this.#isReady()) for (const resolve of this.#readyWaiting.splice(0)) resolve();
  }

  /** Ready: every partition that is ours serves, or will not be served until it is repaired. */
  #isReady(): boolean {
    if (this.#time.off) return false;
    for (let partition = 0; partition < this.#config.partitions; partition++) {
      if (this.#membership.ownerOf(partition) !== this.#options.name) continue;
      const phase = this.#partitions.get(partition)?.phase;
      if (phase !== 'serving' && phase !== 'refused') return false;
    }
    return true;
  }

  #ready(): Promise<void> {
    if (this.#isReady()) return Promise.resolve();
    return new Promise((resolve) => this.#readyWaiting.push(resolve));
  }

  #othersLive(): boolean {
    return this.#membership.membership.nodes.some(
      ({ name, leaving }) => name !== this.#options.name && !leaving,
    );
  }

  #stalled(lateMs: number): void {
    this.#shared.metrics.stalled(lateMs);
    this.#options.log.warn(
      { lateMs },
      'this process stood still: what came before is not executed',
    );
    for (const partition of this.#partitions.values()) partition.stalled();
    // Waiting for our name has made nothing younger.
    for (const message of this.#early?.splice(0) ?? []) this.#refusePast(message);
    // The clock may have jumped: nothing is committed before it has been compared again.
    this.#time.doubt();
    this.#shared.slots.close();
    if (!this.#early) this.#membership.refresh();
  }

  #timeKnown(): void {
    const { off, offsetMs } = this.#time;
    if (off !== this.#clockOff) {
      this.#clockOff = off;
      if (off) {
        this.#options.log.error(
          { offsetMs, clockOffsetMaxMs: this.#config.limits.clockOffsetMaxMs },
          'THIS CLOCK IS WRONG: nothing is committed on this node until its clock agrees with the NATS servers',
        );
        for (const partition of this.#partitions.values()) partition.stalled();
      } else this.#options.log.warn({ offsetMs }, 'this clock is right again');
      this.#partitionsChanged();
    }
    if (this.#time.trusted) this.#shared.slots.open();
    else this.#shared.slots.close();
  }

  #taken(): void {
    this.#options.log.error({ name: this.#options.name }, 'another process has our name: stopping');
    this.#membership.stop();
    this.#router.stop();
    this.#partitions.stopTaking();
    void this.#partitions.leaveAll(false);
    this.#options.onTaken?.();
  }
}
