/**
 * What the client's methods take: the contract's requests, with the id left to the client where the
 * caller has none of their own.
 */

import type * as cart from '../contract/cart.ts';
import type * as single from '../contract/requests.ts';

/** A request whose id the client makes when it is absent. */
type IdOptional<Request extends { id: string }> = Request extends unknown
  ? Omit<Request, 'id'> & { readonly id?: string | undefined }
  : never;

export type Reserve = IdOptional<single.ReserveRequest>;
export type Renew = IdOptional<single.RenewRequest>;
export type Confirm = IdOptional<single.ConfirmRequest>;
export type Release = IdOptional<single.ReleaseRequest>;
export type Sell = IdOptional<single.SellRequest>;
export type Receive = IdOptional<single.ReceiveRequest>;
export type Restock = IdOptional<single.RestockRequest>;
export type Adjust = IdOptional<single.AdjustRequest>;
export type Count = IdOptional<single.CountRequest>;
export type Transfer = IdOptional<single.TransferRequest>;
export type Policy = IdOptional<single.PolicyRequest>;
export type Correct = IdOptional<single.CorrectRequest>;
export type Get = single.GetRequest;

/** All lines or none, across any number of SKUs. */
export type ReserveCart = IdOptional<cart.CartReserveRequest>;
/** `skus`, if given, is exactly the cart's set. */
export type RenewCart = IdOptional<cart.CartRenewRequest>;
export type ConfirmCart = IdOptional<cart.CartConfirmRequest>;
export type ReleaseCart = IdOptional<cart.CartReleaseRequest>;

/** A fact as its source publishes it: the verb, and the command's own fields. */
export interface FactRequests {
  readonly receive: Receive;
  readonly sell: Sell;
  readonly restock: Restock;
  readonly adjust: Adjust;
  readonly count: Count;
  readonly transfer: Transfer;
}
