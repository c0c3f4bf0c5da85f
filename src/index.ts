/**
 * For embedding a node into one's own process: configuration, ports on a NATS connection, the node.
 * Channels do not need this; they use `lastunit/client` or plain NATS.
 */

export type { LastunitConfig } from './config/config.ts';
export { type Loaded, loadConfig } from './config/load.ts';
export { type Resolved, resolveConfig } from './config/resolve.ts';
export type { ConnectOptions } from './nats/connect.ts';
export {
  type EmbeddedServer,
  type EmbeddedServerOptions,
  startEmbeddedServer,
} from './nats/embedded-server.ts';
export { createNatsPorts, type NatsPorts, type NatsPortsOptions } from './nats/nats-ports.ts';
export { PortError, type Ports } from './ports.ts';
export type { Logger } from './runtime/log.ts';
export { CountingMetrics, type Metrics } from './runtime/metrics.ts';
export {
  createNode,
  type LastunitNode,
  type NodeOptions,
  type NodeStatus,
} from './runtime/node.ts';
export { systemClock } from './runtime/system-clock.ts';
