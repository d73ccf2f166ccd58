// `npm run key`: prints the key of an edge on this machine, for a shell's `$(npm run -s key)`.
import { parseArgs } from 'node:util';
import { signInLink } from '../contract/sign-in.ts';
import { edgeAccess } from './edge-access.ts';

const usage = `Usage: npm run -s key [-- --admin | --link]

Prints the API key that npm start made for the edge on this machine, or MESHKILN_API_KEY where that is set.
  --admin   the admin key instead
  --link    the link that signs a browser in

MESHKILN_STATE and MESHKILN_URL say which edge, as for npm start and npm run mesh.`;

const { values } = parse();
if (values.help) {
  console.log(usage);
} else {
  try {
    const { url, key } = edgeAccess(values.admin || values.link ? 'admin' : 'user');
    console.log(values.link ? signInLink(`${url}/`, key) : key);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

function parse() {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ options: { admin: flag, link: flag, help: { ...flag, short: 'h' } } });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return process.exit(2);
  }
}
