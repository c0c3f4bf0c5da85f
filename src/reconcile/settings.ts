/**
 * What `erp.sources.<name>` says about reconciling, beside where the numbers come from: how often,
 * whether anything is applied, the lanes, the rules. Resolved into a form without blanks; every
 * problem is noted.
 */

import Type, { type TProperties } from 'typebox';
import { type JsonObject, join, type Problems } from '../config/problems.ts';
import { namePattern } from '../contract/fields.ts';
import {
  type AdmissionLimits,
  defaultAdmissionLimits,
} from '../domain/reconciliation/admission.ts';
import { defaultLane, type LaneSettings } from '../domain/reconciliation/ledger.ts';
import {
  defaultReconciliationRules,
  type ReconciliationRules,
} from '../domain/reconciliation/settings.ts';

export interface ReconcileSettings {
  readonly everyMs: number;
  /** A new source starts with `dry-run`: it reports and changes nothing. */
  readonly mode: 'dry-run' | 'apply';
  /** Settings by lane; `*` at the end of a name stands for any rest, `*` alone for all others. */
  readonly lanes: Readonly<Record<string, LaneSettings>>;
  readonly rules: ReconciliationRules;
  readonly admission: AdmissionLimits;
  /** Corrections under way at a time. */
  readonly correctionsInFlightMax: number;
  readonly backOffFirstMs: number;
  readonly backOffLongestMs: number;
}

const minuteMs = 60_000;

export const defaultReconcileSettings: ReconcileSettings = {
  everyMs: 10 * minuteMs,
  mode: 'dry-run',
  lanes: {},
  rules: defaultReconciliationRules,
  admission: defaultAdmissionLimits,
  correctionsInFlightMax: 32,
  backOffFirstMs: 5_000,
  backOffLongestMs: 10 * minuteMs,
};

const optional = Type.Optional;
const Duration = (least: number) =>
  Type.Integer({ minimum: least, maximum: 7 * 24 * 60 * minuteMs });
const Count = Type.Integer({ minimum: 0, maximum: 1_000_000_000 });
const Share = Type.Number({ minimum: 0, maximum: 1 });
const closed = { additionalProperties: false } as const;

/** Fields of a source that are read here. */
export const reconcileFields = {
  everyMs: optional(Duration(1_000)),
  mode: optional(Type.Enum(['dry-run', 'apply'])),
  lanes: optional(
    Type.Record(
      Type.String({ pattern: `${namePattern.slice(0, -1)}\\*?$|^\\*$` }),
      Type.Object(
        {
          maxPostingLagMs: optional(Duration(0)),
          clockSkewMs: optional(Duration(0)),
          lagFrom: optional(Type.Enum(['occurrence', 'recording'])),
          postsInOrder: optional(Type.Boolean()),
        },
        closed,
      ),
      closed,
    ),
  ),
  rules: optional(
    Type.Object(
      {
        toleranceUnits: optional(Count),
        proofsToLower: optional(Type.Integer({ minimum: 1, maximum: 20 })),
        proofsToRaise: optional(Type.Integer({ minimum: 1, maximum: 20 })),
        perLineMaxUnits: optional(Count),
        breakerLinesShare: optional(Share),
        breakerLinesFloor: optional(Count),
        breakerUnitsShare: optional(Share),
        breakerUnitsFloor: optional(Count),
        explainWindowMs: optional(Duration(0)),
        packSizes: optional(Type.Array(Type.Integer({ minimum: 2, maximum: 1_000_000 }))),
        outageShare: optional(Share),
        outageLinesMin: optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
        historyMax: optional(Type.Integer({ minimum: 3, maximum: 1_000 })),
      },
      closed,
    ),
  ),
  admission: optional(
    Type.Object(
      {
        shrinkShareMax: optional(Share),
        refusedShareMax: optional(Share),
        clockSkewMs: optional(Duration(0)),
        ageMaxMs: optional(Duration(minuteMs)),
      },
      closed,
    ),
  ),
  correctionsInFlightMax: optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  backOffFirstMs: optional(Duration(1)),
  backOffLongestMs: optional(Duration(1)),
} as const satisfies TProperties;

type Given = Partial<Omit<ReconcileSettings, 'lanes' | 'rules' | 'admission'>> & {
  readonly lanes?: Readonly<Record<string, Partial<LaneSettings>>>;
  readonly rules?: Partial<ReconciliationRules>;
  readonly admission?: Partial<AdmissionLimits>;
};

/** Splits a source's settings into ours, resolved, and the rest. Undefined after a problem. */
export function resolveReconcile(
  path: string,
  settings: JsonObject,
  problems: Problems,
): { readonly ours: ReconcileSettings; readonly rest: JsonObject } | undefined {
  const before = problems.lines.length;
  const entries = Object.entries(settings);
  const isOurs = ([key]: [string, unknown]) => Object.hasOwn(reconcileFields, key);
  const given = Object.fromEntries(entries.filter(isOurs)) as Given;
  for (const [key, schema] of Object.entries(reconcileFields)) {
    const value = settings[key];
    if (value !== undefined) problems.fits(join(path, key), value, schema);
  }
  if (problems.lines.length > before) return undefined;
  const rest = Object.fromEntries(entries.filter((entry) => !isOurs(entry)));
  return { ours: withDefaults(given), rest };
}

function withDefaults(given: Given): ReconcileSettings {
  const others = { ...defaultLane, ...given.lanes?.['*'] };
  const lanes = Object.entries(given.lanes ?? {}).map(([name, lane]) => [
    name,
    { ...others, ...lane },
  ]);
  return {
    ...defaultReconcileSettings,
    ...given,
    lanes: Object.fromEntries(lanes) as Record<string, LaneSettings>,
    rules: { ...defaultReconciliationRules, ...given.rules },
    admission: { ...defaultAdmissionLimits, ...given.admission },
  };
}
