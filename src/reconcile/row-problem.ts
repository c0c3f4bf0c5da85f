/** A row as it stands against the row that its owner would write. */

/** Fields that say when a row was written; the others are what it shows. */
const moment = ['version', 'asOfSeq', 'updatedAtMs'];

/** What is wrong with a row; undefined: nothing. Absent rows are undefined. */
export function problemOf(
  stands: string | undefined,
  owned: string | undefined,
): 'missing' | 'different' | 'stranger' | undefined {
  if (owned === undefined) return stands === undefined ? undefined : 'stranger';
  if (stands === undefined) return 'missing';
  return isAsOwned(stands, owned) ? undefined : 'different';
}

/**
 * A channel's row is written only when the channel would see a change: what it shows has to be the
 * owner's, its moment may be an older one but not a newer.
 */
function isAsOwned(stands: string, owned: string): boolean {
  if (stands === owned) return true;
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(stands);
  } catch {
    return false;
  }
  const should = JSON.parse(owned) as Record<string, unknown>;
  if (typeof row !== 'object' || row === null) return false;
  const isNoNewer = moment.every((name) => Number(row[name]) <= Number(should[name]));
  return isNoNewer && visibleOf(row) === visibleOf(should);
}

function visibleOf(row: Record<string, unknown>): string {
  const fields = Object.keys(row).filter((name) => !moment.includes(name));
  return JSON.stringify(fields.sort().map((name) => [name, row[name]]));
}
