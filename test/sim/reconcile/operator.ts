/** Who looks after the reconciler: decides about proposals, forces runs that the breaker has stopped. */

import { createNames } from '../../../src/contract/subjects.ts';
import type { Bus, Clock, KeyValues } from '../../../src/ports.ts';
import { createOperator, type Operator } from '../../../src/reconcile/operator.ts';
import { erpSourceName } from './erp-books.ts';
import type { ReconcilePlan } from './reconcile-plan.ts';

const lookEveryMs = 1_300;

export function startOperator(
  plan: ReconcilePlan,
  ports: { readonly clock: Clock; readonly bus: Bus; readonly values: KeyValues },
): void {
  const operator = createOperator(ports.bus, ports.values, createNames('inv'));
  const next = () => {
    // What does not work now is tried again soon.
    void look(plan, operator)
      .catch(() => {})
      .then(() => ports.clock.after(lookEveryMs, next));
  };
  ports.clock.after(lookEveryMs, next);
}

async function look({ operator: habit }: ReconcilePlan, operator: Operator): Promise<void> {
  const latest = await operator.latest(erpSourceName);
  if (latest?.outcome === 'stopped') await operator.run(erpSourceName, { force: true });
  if (habit === 'away') return;
  for (const { sku, proposals } of await operator.open()) {
    if (!proposals.some(({ status }) => status === 'open')) continue;
    await (habit === 'approves' ? operator.approve({ sku }) : operator.reject({ sku }));
  }
}
