// Runs after `npm ci` in a checkout. Builds `dist` when the compiler is there, and does nothing when it
// is not: `npm ci --omit=dev` on a machine that only runs lastunit must not fail for want of `tsc`.
// Plain JavaScript, because it runs before anything has been compiled.

import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (existsSync('node_modules/typescript/package.json')) {
  execSync('npm run build', { stdio: 'inherit' });
} else {
  console.log('lastunit: no TypeScript compiler installed, dist is left as it is');
}
