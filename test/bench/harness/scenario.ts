// What a scenario is, and what it answers.

/** One line of the printed table. */
export interface Line {
  /** What was measured: `lastunit`, `PostgreSQL 15`, … with what distinguishes it. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The single rounds. */
  readonly rounds?: readonly number[];
  readonly note?: string;
}

export interface ScenarioResult {
  readonly lines: readonly Line[];
  /** Conditions: clients, payload, sync settings, durations. */
  readonly conditions: string;
  /** What is wrong; a run with faults does not count. */
  readonly faults: readonly string[];
  /** Everything else worth keeping, for the JSON file. */
  readonly details?: unknown;
}

export interface Peers {
  readonly postgres: PeerServer | undefined;
  readonly redis: PeerServer | undefined;
}

/** A server that lastunit is compared with, running. */
export interface PeerServer {
  /** With version. */
  readonly name: string;
  readonly url: string;
}

export interface Context {
  readonly rounds: number;
  /** Length of one round. */
  readonly seconds: number;
  readonly peers: Peers;
  /** Nothing else was asked for: there is time for more. */
  readonly alone: boolean;
  /** Whether all scenarios run, which shall take ten minutes together. */
  readonly isEverything: boolean;
  /** Options of the audits of large catalogues: among all scenarios they ask a share of the actors. */
  readonly auditOptions: readonly string[];
  readonly log: (line: string) => void;
}

export interface Scenario {
  readonly name: string;
  /** What else it may be asked for by: each of them names a part of what it measures. */
  readonly aliases?: readonly string[];
  readonly title: string;
  /** The goal, in words. */
  readonly goal: string;
  run(context: Context): Promise<ScenarioResult>;
}
