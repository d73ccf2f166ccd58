// The GPU origin as `npm start` runs it: ends with the supervisor, also when that was killed.
import { hold } from './hold.ts';
import { localSettings } from './settings.ts';

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

const { stateFolder } = localSettings();
if (!(await hold(stateFolder, 'origin'))) throw new Error(`another origin uses ${stateFolder}`);
await import('../gpu-origin/main.ts');
