/** Metrics in the shape that the Prometheus registry prints: a name, a type and its values of this moment. */

import type { Distribution } from '../runtime/metrics.ts';

type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: readonly Sample[];
}

export function counter(name: string, help: string, values: readonly Sample[]): Family {
  return { name: `lastunit_${name}_total`, help, type: 'counter', values };
}

export function gauge(name: string, help: string, values: readonly Sample[]): Family {
  return { name: `lastunit_${name}`, help, type: 'gauge', values };
}

export function histogram(name: string, help: string, values: Distribution, perUnit = 1): Family {
  const full = `lastunit_${name}`;
  return { name: full, help, type: 'histogram', values: samples(full, values, perUnit, {}) };
}

export function samples(
  name: string,
  values: Distribution,
  perUnit: number,
  labels: Labels,
): Sample[] {
  let below = 0;
  const buckets = values.bounds.map((bound, at) => {
    below += values.buckets[at] as number;
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound / perUnit },
      value: below,
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: values.count },
    { metricName: `${name}_sum`, labels, value: values.sum / perUnit },
    { metricName: `${name}_count`, labels, value: values.count },
  ];
}

export function one(value: number): Sample[] {
  return [{ labels: {}, value }];
}
