/**
 * Every name that lastunit uses on NATS, from one prefix: subjects, streams, buckets. Builders and
 * parsers stand side by side, so that they cannot disagree. Parsers answer `undefined` for anything
 * that is not of their kind.
 *
 * 1. SKUs appear in subjects and keys only as skuKeys, which never contain a dot.
 * 2. Nothing outside this file writes a subject, stream or bucket name by hand.
 */

export const prefixPattern = /^[a-z][a-z0-9_-]{0,31}$/;

/** Token of an entity that a command is sent to. */
export interface CommandAddress {
  readonly channel: string;
  /** As sent; it may be no verb of ours. */
  readonly verb: string;
}

export interface FrameAddress {
  readonly partition: number;
  readonly channel: string;
}

export interface FactAddress {
  readonly source: string;
  readonly verb: string;
  readonly skuKey: string;
  /** Appended by the stream when it stores the fact. */
  readonly partition?: number;
}

/** Names of one deployment. Made once per process with `createNames`. */
export interface Names {
  readonly prefix: string;
  readonly streams: {
    readonly journal: string;
    readonly events: string;
    readonly facts: string;
    readonly dead: string;
    readonly erp: string;
  };
  readonly buckets: {
    readonly stock: string;
    readonly nodes: string;
    readonly reconcile: string;
    readonly snapshots: string;
    readonly imports: string;
    view(channel: string): string;
  };
  readonly subjects: Subjects;
}

export interface Subjects {
  /** `inv.cmd.<channel>.<verb>` */
  command(channel: string, verb: string): string;
  parseCommand(subject: string): CommandAddress | undefined;
  readonly allCommands: string;

  /** `inv.p.<partition>.<channel>` */
  frame(partition: number, channel: string): string;
  parseFrame(subject: string): FrameAddress | undefined;
  readonly allFrames: string;

  /** `inv.fact.<source>.<verb>.<skuKey>`, as published. */
  fact(source: string, verb: string, skuKey: string): string;
  /** As published or as stored, with the partition behind it. */
  parseFact(subject: string): FactAddress | undefined;
  readonly allFacts: string;
  /** What the facts' stream listens to, and how it stores it (NATS `subject_transform`). */
  factTransform(partitions: number): { readonly src: string; readonly dest: string };
  /** Filter for the stored facts of one partition. */
  factsOfPartition(partition: number): string;

  /** `inv.dead.<source>` */
  dead(source: string): string;
  readonly allDead: string;

  /** `inv.erp.<source>.ack`: documents that an ERP has posted. */
  postingAck(source: string): string;

  /** `inv.event.<skuKey>` */
  event(skuKey: string): string;
  readonly allEvents: string;

  /** `inv.journal.<partition>` */
  journal(partition: number): string;
  parseJournal(subject: string): number | undefined;
  readonly allJournals: string;
  /** `inv.barrier.<partition>` */
  barrier(partition: number): string;
  readonly allBarriers: string;

  /** `inv.pub.stock.<skuKey>`: changes of `inv_stock`, republished. */
  publishedStock(skuKey: string): string;
  /** `inv.pub.view.<channel>.<skuKey>`: changes of `inv_view_<channel>`, republished. */
  publishedView(channel: string, skuKey: string): string;
  /** Subject on which a bucket republishes its keys (`>` stands for the key). */
  readonly stockRepublish: { readonly src: string; readonly dest: string };
  viewRepublish(channel: string): { readonly src: string; readonly dest: string };

  /** `inv.erp.<source>.ack`: the ERP says what it has posted. */
  erpAck(source: string): string;
  readonly allErpAcks: string;
  /** `inv.pub.reconcile.<source>`: summaries of runs, as they end. */
  publishedReconcile(source: string): string;
  /** `inv.reconcile.<what>`: orders to the node that reconciles, never from channels. */
  reconcile(what: 'run' | 'approve' | 'reject'): string;

  /** `inv.n.<node>.<what…>`: between nodes, never for channels. */
  node(node: string, ...what: readonly (string | number)[]): string;
  /** Everything that is addressed to one node. */
  allOfNode(node: string): string;
}

/** Subject of a key in a NATS KV bucket. */
export function keyValueSubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** `<source>.<skuKey>.<id>`: the `Nats-Msg-Id` of a fact. */
export function factMessageId(source: string, skuKey: string, id: string): string {
  return `${source}.${skuKey}.${id}`;
}

/** Throws a `RangeError` when the prefix does not match `prefixPattern`. */
export function createNames(prefix: string): Names {
  if (!prefixPattern.test(prefix)) throw new RangeError(`not a subject prefix: ${prefix}`);
  const upper = prefix.toUpperCase();
  const view = (channel: string) => `${prefix}_view_${channel}`;
  return {
    prefix,
    streams: {
      journal: `${upper}_JOURNAL`,
      events: `${upper}_EVENTS`,
      facts: `${upper}_FACTS`,
      dead: `${upper}_DEAD`,
      erp: `${upper}_ERP`,
    },
    buckets: {
      stock: `${prefix}_stock`,
      nodes: `${prefix}_nodes`,
      reconcile: `${prefix}_reconcile`,
      snapshots: `${prefix}_snapshots`,
      imports: `${prefix}_imports`,
      view,
    },
    subjects: createSubjects(prefix, `${prefix}_stock`, view),
  };
}

function createSubjects(
  prefix: string,
  stockBucket: string,
  viewBucket: (channel: string) => string,
): Subjects {
  const command = `${prefix}.cmd.`;
  const frame = `${prefix}.p.`;
  const fact = `${prefix}.fact.`;
  const journal = `${prefix}.journal.`;
  return {
    command: (channel, verb) => `${command}${channel}.${verb}`,
    parseCommand: (subject) => parseCommandSubject(subject, command),
    allCommands: `${command}*.*`,

    frame: (partition, channel) => `${frame}${partition}.${channel}`,
    parseFrame: (subject) => parseFrameSubject(subject, frame),
    allFrames: `${frame}*.*`,

    fact: (source, verb, skuKey) => `${fact}${source}.${verb}.${skuKey}`,
    parseFact: (subject) => parseFactSubject(subject, fact),
    allFacts: `${fact}*.*.*`,
    factTransform: (partitions) => ({
      src: `${fact}*.*.*`,
      dest: `${fact}{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.{{partition(${partitions},3)}}`,
    }),
    factsOfPartition: (partition) => `${fact}*.*.*.${partition}`,

    dead: (source) => `${prefix}.dead.${source}`,
    allDead: `${prefix}.dead.*`,

    postingAck: (source) => `${prefix}.erp.${source}.ack`,

    event: (skuKey) => `${prefix}.event.${skuKey}`,
    allEvents: `${prefix}.event.*`,

    journal: (partition) => `${journal}${partition}`,
    parseJournal: (subject) =>
      subject.startsWith(journal) ? wholeNumber(subject.slice(journal.length)) : undefined,
    allJournals: `${journal}*`,
    barrier: (partition) => `${prefix}.barrier.${partition}`,
    allBarriers: `${prefix}.barrier.*`,

    publishedStock: (skuKey) => `${prefix}.pub.stock.${skuKey}`,
    publishedView: (channel, skuKey) => `${prefix}.pub.view.${channel}.${skuKey}`,
    stockRepublish: { src: keyValueSubject(stockBucket, '>'), dest: `${prefix}.pub.stock.>` },
    viewRepublish: (channel) => ({
      src: keyValueSubject(viewBucket(channel), '>'),
      dest: `${prefix}.pub.view.${channel}.>`,
    }),

    erpAck: (source) => `${prefix}.erp.${source}.ack`,
    allErpAcks: `${prefix}.erp.*.ack`,
    publishedReconcile: (source) => `${prefix}.pub.reconcile.${source}`,
    reconcile: (what) => `${prefix}.reconcile.${what}`,

    node: (node, ...what) => [prefix, 'n', node, ...what].join('.'),
    allOfNode: (node) => `${prefix}.n.${node}.>`,
  };
}

function parseCommandSubject(subject: string, head: string): CommandAddress | undefined {
  if (!subject.startsWith(head)) return undefined;
  const dot = subject.indexOf('.', head.length);
  if (dot < 0) return undefined;
  const channel = subject.slice(head.length, dot);
  const verb = subject.slice(dot + 1);
  return verb === '' || verb.includes('.') ? undefined : { channel, verb };
}

function parseFrameSubject(subject: string, head: string): FrameAddress | undefined {
  if (!subject.startsWith(head)) return undefined;
  const dot = subject.indexOf('.', head.length);
  if (dot < 0) return undefined;
  const partition = wholeNumber(subject.slice(head.length, dot));
  const channel = subject.slice(dot + 1);
  return partition === undefined || channel === '' || channel.includes('.')
    ? undefined
    : { partition, channel };
}

function parseFactSubject(subject: string, head: string): FactAddress | undefined {
  if (!subject.startsWith(head)) return undefined;
  const [source, verb, skuKey, stored, more] = subject.slice(head.length).split('.');
  if (source === undefined || verb === undefined || skuKey === undefined || more !== undefined) {
    return undefined;
  }
  if (source === '' || verb === '' || skuKey === '') return undefined;
  if (stored === undefined) return { source, verb, skuKey };
  const partition = wholeNumber(stored);
  return partition === undefined ? undefined : { source, verb, skuKey, partition };
}

/** Canonical decimal digits only: one subject has one meaning. */
function wholeNumber(text: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : undefined;
}
