// `npm run bench:report`: draws the recorded results, as bench/results/*.svg, and writes the tables of the pages
// that show them: docs/performance.md and bench/results/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawnPlots } from './plots.ts';
import { resultsFolder } from '../harness/result.ts';
import { pageFiles, resultOf } from './results.ts';
import { withTables } from './tables.ts';

for (const [name, plot] of drawnPlots()) writeFileSync(join(resultsFolder, `${name}.svg`), plot);
for (const file of pageFiles) writeFileSync(file, withTables(readFileSync(file, 'utf8'), resultOf));
