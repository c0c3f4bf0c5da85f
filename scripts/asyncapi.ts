/**
 * Writes the AsyncAPI 3 document of the public contract: `npm run asyncapi [-- FILE]`. Without a
 * file it goes to standard output.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { defaultPrefix } from '../src/config/defaults.ts';
import { asyncapiDocument } from './asyncapi-document.ts';

// The working directory of an npm script is the package's.
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const text = `${JSON.stringify(asyncapiDocument({ version, prefix: defaultPrefix }), null, 2)}\n`;

const file = process.argv[2];
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);
