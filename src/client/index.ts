/** The public surface of `lastunit/client`. */

export type { Refusal, RefusalCode } from '../domain/outcome.ts';
export { PortError } from '../ports.ts';
export type { CallOptions, Client } from './client.ts';
export { type ClientOptions, connectClient } from './connect-client.ts';
export { ClientClosedError, DeadlineExceededError, ProtocolError } from './errors.ts';
export type { FactStored } from './facts.ts';
export type { SendOptions } from './options.ts';
export type { Accepted, CartAccepted, Refused, StockReply } from './replies.ts';
export type {
  Adjust,
  Confirm,
  ConfirmCart,
  Correct,
  Count,
  FactRequests,
  Get,
  Policy,
  Receive,
  Release,
  ReleaseCart,
  Renew,
  RenewCart,
  Reserve,
  ReserveCart,
  Restock,
  Sell,
  Transfer,
} from './requests.ts';
