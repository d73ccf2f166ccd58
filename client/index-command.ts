// `npm run index -- rebuild|check`: makes the edge's index equal to R2, or says how far it is from that.
import { parseArgs } from 'node:util';
import type { z } from 'zod';
import { IndexPageAnswer, IndexPlace } from '../contract/answers.ts';
import { adminCall } from './admin-call.ts';
import { whichEdge } from './edge-access.ts';

const usage = `Usage: npm run index -- rebuild|check [--after <of>:<name>]

  rebuild   write what the index lacks and remove what R2 lacks
  check     only count both; exits 1 when they differ
  --after   go on where an earlier call broke off: what it printed last

${whichEdge('admin')}`;

const pageSecondsMax = 120;

type Start = z.infer<typeof IndexPlace>;

const Page = IndexPageAnswer.omit({ object: true });
type Page = z.infer<typeof Page>;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { after: { type: 'string' } } });
const [action] = positionals;
const start = startOf(values.after);

if ((action !== 'rebuild' && action !== 'check') || positionals.length > 1 || start === null) {
  console.error(usage);
  process.exit(2);
}
process.exitCode = await run(action, start);

async function run(what: 'rebuild' | 'check', from: Start): Promise<number> {
  let next: Start | null = from;
  let differences = 0;
  while (next !== null) {
    const at: Start = next;
    try {
      const page = Page.parse(
        await adminCall('POST', `/admin/index/${what}`, { body: { after: at }, secondsMax: pageSecondsMax }),
      );
      differences += page.missing + page.stale + page.damaged.length;
      console.log(lineOf(what, page));
      for (const key of page.damaged) console.log(`  damaged manifest in R2: ${key}`);
      next = page.next;
    } catch (error) {
      console.error(error instanceof Error ? error.message : String(error));
      console.error(`Go on with: npm run index -- ${what} --after ${at.of}:${at.after ?? ''}`);
      return 1;
    }
  }
  console.log(differences === 0 ? 'The index equals R2.' : summaryOf(what, differences));
  return what === 'check' && differences > 0 ? 1 : 0;
}

function lineOf(what: 'rebuild' | 'check', page: Page): string {
  const [missing, stale] = what === 'rebuild' ? ['written', 'removed'] : ['missing or different', 'stale'];
  const end = page.next === null ? 'the end' : `${page.next.of}:${page.next.after ?? ''}`;
  return `${page.of}: ${page.same} equal, ${page.missing} ${missing}, ${page.stale} ${stale}; next ${end}`;
}

function summaryOf(what: 'rebuild' | 'check', differences: number): string {
  return what === 'rebuild' ? `${differences} differences found.` : `${differences} differences; rebuild mends them.`;
}

/** A place in the pages from its text, `meshes:<key>` or `tags:<name>`; null when it is not one. */
function startOf(text = 'meshes:'): Start | null {
  const [of, after = ''] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
  return IndexPlace.safeParse({ of, after: after === '' ? null : after }).data ?? null;
}
