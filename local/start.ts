// `npm start`: both programs on this machine, until Ctrl-C.
import { signInLink } from '../contract/sign-in.ts';
import { isFree } from './free-port.ts';
import { startPrograms } from './programs.ts';
import { edgeUrl, localSettings, type LocalSettings } from './settings.ts';

try {
  await start();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function start(): Promise<void> {
  const settings = localSettings();
  await checkPorts(settings);
  const programs = await startPrograms(settings, (program, line) => console.log(`${program.padEnd(6)} ${line}`));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void programs.stop().then(() => process.exit(0)));
  }
  const elsewhere = process.env['EDGE_PORT'] === undefined ? '' : `MESHKILN_URL=${edgeUrl(settings)} `;
  const { publicUrl } = settings;
  console.log(`
Meshkiln is up at ${edgeUrl(settings)}${publicUrl === '' ? '' : `, by its proxy at ${publicUrl}`}
  open   ${signInLink(`${publicUrl || edgeUrl(settings)}/`, settings.adminKey)}
  key    npm run -s key
  state  ${settings.stateFolder}
  try    ${elsewhere}npm run mesh -- picture.png -o mesh.glb
Ctrl-C ends both programs.`);
}

/** What listens there already would be taken for ours. */
async function checkPorts({ edgePort, originPort }: LocalSettings): Promise<void> {
  if (edgePort === originPort) throw new Error(`EDGE_PORT and ORIGIN_PORT are both ${edgePort}`);
  for (const [name, port] of Object.entries({ EDGE_PORT: edgePort, ORIGIN_PORT: originPort })) {
    if (!(await isFree(port))) throw new Error(`port ${port} is in use: end what listens there, or set ${name}`);
  }
}
