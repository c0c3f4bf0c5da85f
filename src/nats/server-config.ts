// The configuration file of the embedded nats-server, and where its files lie in the data directory.
// config/hub.conf says the same for a server of one's own; keep the two alike.

import { join } from 'node:path';

/** The largest message: what bounds a commit. The server warns above this size. */
export const maxPayloadBytes = 8_388_608;

/** The files of an embedded server, all below `<dataDir>/nats`. */
export interface ServerFiles {
  readonly folder: string;
  /** Written at every start; also how a server that was left behind is recognised. */
  readonly config: string;
  /** What the server logs, limited in size by the server itself. */
  readonly log: string;
  /** What it prints before it has opened its log. */
  readonly output: string;
  /** The server's process id, written by the server, for people; nothing here relies on it. */
  readonly pid: string;
  /** Streams and buckets. */
  readonly store: string;
  /** There while the server runs; found at a start, it says that the last stop was not clean. */
  readonly running: string;
}

/** Where an embedded server keeps its files. */
export function serverFiles(dataDir: string): ServerFiles {
  const folder = join(dataDir, 'nats');
  return {
    folder,
    config: join(folder, 'server.conf'),
    log: join(folder, 'server.log'),
    output: join(folder, 'server.out'),
    pid: join(folder, 'server.pid'),
    store: join(folder, 'store'),
    running: join(folder, 'running'),
  };
}

/** What differs between embedded servers. */
export interface ServerSettings {
  /** TCP port on the loopback interface; 0 = any free one. */
  readonly port: number;
  readonly serverName: string;
  /** JetStream domain; every server of a system of leaf nodes has its own. */
  readonly domain?: string | undefined;
  /** false only in tests that measure something else: an acknowledged commit is then not on disk. */
  readonly syncAlways: boolean;
  /** More of nats-server's own configuration, appended as it is: `leafnodes`, `cluster`, `accounts`. */
  readonly extraConfig?: string | undefined;
}

/** The text of the server's configuration file. */
export function serverConfigText(files: ServerFiles, settings: ServerSettings): string {
  const { port, serverName, domain, syncAlways, extraConfig } = settings;
  return [
    '# Written by lastunit at every start: changes here are lost.',
    `server_name: ${quoted(serverName)}`,
    `listen: ${quoted(`127.0.0.1:${port === 0 ? -1 : port}`)}`,
    `ports_file_dir: ${quoted(files.folder)}`,
    `pid_file: ${quoted(files.pid)}`,
    `log_file: ${quoted(files.log)}`,
    'logfile_size_limit: 16777216',
    'logfile_max_num: 2',
    `max_payload: ${maxPayloadBytes}`,
    // A silent client is dropped after three pings, six seconds.
    'ping_interval: "2s"',
    'ping_max: 2',
    'jetstream {',
    `  store_dir: ${quoted(files.store)}`,
    // Without it an acknowledged publish reaches the disk up to two minutes later.
    ...(syncAlways ? ['  sync_interval: always'] : []),
    ...(domain === undefined ? [] : [`  domain: ${quoted(domain)}`]),
    '}',
    ...(extraConfig === undefined ? [] : [extraConfig]),
    '',
  ].join('\n');
}

/** A string of the configuration language: double quotes, with the escapes that it shares with JSON. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
