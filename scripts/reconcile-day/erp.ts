/**
 * The ERP of a made-up retailer: it hears of everything that happened, posts it a while later, and
 * makes the mistakes that it is told to make. It shares nothing with lastunit: it knows quantities and
 * documents, and writes its stock in columns and names of its own.
 */

/** A document that a shop has handed to the ERP. */
export interface Slip {
  readonly document: string;
  /** Signed units per article. */
  readonly lines: ReadonlyMap<string, number>;
  readonly happenedAtMs: number;
}

/** What the ERP makes of one line of a slip: the quantities that it posts, one after the other. */
export type Bookkeeper = (document: string, article: string, units: number) => readonly number[];

export interface ExportOptions {
  /** Articles whose line is written in boxes instead of pieces. */
  readonly inBoxes?: ReadonlySet<string>;
}

interface Posting {
  readonly article: string;
  readonly units: number;
  readonly atMs: number;
}

export class Erp {
  readonly #stock = new Map<string, number>();
  readonly #piecesPerBox: ReadonlyMap<string, number>;
  readonly #lagMs: () => number;
  readonly #keeps: Bookkeeper;
  #waiting: Posting[] = [];

  /** `lagMs` draws the time until a slip is posted. */
  constructor(
    lagMs: () => number,
    keeps: Bookkeeper,
    piecesPerBox: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#lagMs = lagMs;
    this.#keeps = keeps;
    this.#piecesPerBox = piecesPerBox;
  }

  /** Stock at the beginning of the day. */
  open(article: string, pieces: number): void {
    this.#stock.set(article, pieces);
  }

  hand({ document, lines, happenedAtMs }: Slip): void {
    const atMs = happenedAtMs + this.#lagMs();
    for (const [article, units] of lines) {
      for (const posted of this.#keeps(document, article, units)) {
        this.#waiting.push({ article, units: posted, atMs });
      }
    }
  }

  /** Somebody has counted: so many are gone, or have turned up. */
  count(article: string, units: number, atMs: number): void {
    this.#waiting.push({ article, units, atMs });
  }

  /** Articles of which something has happened that the ERP has not posted by now. */
  unposted(nowMs: number): ReadonlySet<string> {
    this.#post(nowMs);
    return new Set(this.#waiting.map(({ article }) => article));
  }

  /** The stock as it stands, as CSV with `;`: material, plant, stock, unit of measure, pieces per box. */
  exported(nowMs: number, { inBoxes = new Set() }: ExportOptions = {}): readonly string[] {
    this.#post(nowMs);
    const rows = [...this.#stock].map(([article, pieces]) => {
      const perBox = this.#piecesPerBox.get(article);
      const isInBoxes = inBoxes.has(article);
      const qty = isInBoxes ? Math.floor(pieces / 12) : pieces;
      const fields = [article, '1000', String(qty), isInBoxes ? 'KAR' : 'ST', perBox ?? ''];
      return fields.map((field) => quoted(String(field))).join(';');
    });
    return ['Material;Werk;Bestand;ME;Kartoninhalt', ...rows];
  }

  #post(nowMs: number): void {
    for (const { article, units, atMs } of this.#waiting) {
      if (atMs <= nowMs) this.#stock.set(article, (this.#stock.get(article) ?? 0) + units);
    }
    this.#waiting = this.#waiting.filter(({ atMs }) => atMs > nowMs);
  }
}

function quoted(field: string): string {
  return /[";\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
