// `npm run bench:report`: draws the recorded results, as bench/results/*.svg, and writes the tables of docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawnPlots } from './plots.ts';
import { resultsFolder } from '../harness/result.ts';
import { pageFile, resultOf } from './results.ts';
import { withTables } from './tables.ts';

for (const [name, plot] of drawnPlots()) writeFileSync(join(resultsFolder, `${name}.svg`), plot);
writeFileSync(pageFile, withTables(readFileSync(pageFile, 'utf8'), resultOf));
