// Every scenario, in the order in which a full run takes them.

import type { Scenario } from '../harness/scenario.ts';
import { carts } from './carts.ts';
import { catalogueScenario } from './catalogue.ts';
import { cluster } from './cluster.ts';
import { expiry } from './expiry.ts';
import { failover } from './failover.ts';
import { hot } from './hot.ts';
import { importing } from './import.ts';
import { latency } from './latency.ts';
import { overload } from './overload.ts';
import { plain } from './plain.ts';
import { reconcile } from './reconcile.ts';
import { reconcileQuality } from './reconcile-quality.ts';
import { spread } from './spread.ts';
import { viewLag } from './view-lag.ts';

export const scenarios: readonly Scenario[] = [
  hot,
  plain,
  spread,
  carts,
  overload,
  latency,
  viewLag,
  failover,
  importing,
  catalogueScenario,
  expiry,
  cluster,
  reconcile,
  reconcileQuality,
];
