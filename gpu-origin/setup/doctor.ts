// `npm run doctor`: what this machine can run, found by trying, and why not where it cannot.
import { join, resolve } from 'node:path';
import { canServe, diagnose } from './diagnose.ts';

const findings = await diagnose({
  modelsFolder: resolve(process.env.MODELS_DIR ?? join(import.meta.dirname, '../../models')),
  stateFolder: resolve(process.env.ORIGIN_STATE ?? '.'),
  device: Number((process.env.GPU_DEVICES ?? '0').split(',')[0]),
});
for (const { subject, good, text } of findings) {
  const [first, ...more] = text.split('\n');
  console.log(`${good ? 'yes' : 'no '}  ${subject.padEnd(18)}${first}`);
  for (const line of more) console.log(`${' '.repeat(23)}${line}`);
}
const able = canServe(findings);
console.log(
  `\n${able ? 'This machine can run an origin.' : 'This machine cannot run an origin: see the lines with "no".'}`,
);
process.exitCode = able ? 0 : 1;
