// `npm run help`: every command of this repository, in a line each.
import { commands } from './commands.ts';

console.log('Usage: npm run COMMAND [-- OPTIONS]\n');
for (const [name, text] of Object.entries(commands)) console.log(`  ${name.padEnd(15)}${text}`);
console.log('\nBenches and training: the other scripts of package.json, docs/performance.md and training/.');
