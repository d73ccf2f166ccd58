// `npm start`: both programs on this machine, until Ctrl-C.
import { startPrograms } from './programs.ts';
import { edgeUrl, localSettings } from './settings.ts';

const settings = localSettings();
const programs = await startPrograms(settings, (program, line) => console.log(`${program.padEnd(6)} ${line}`));

console.log(`
Meshkiln is up at ${edgeUrl(settings)}
  key    ${settings.apiKey} (admin: ${settings.adminKey}), accepted on this machine only
  state  ${settings.stateFolder}
  try    npm run mesh -- picture.png -o mesh.glb
Ctrl-C ends both programs.`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void programs.stop().then(() => process.exit(0)));
}
