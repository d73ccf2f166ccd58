// `npm run site`: builds the pages, as `npm start`, `npm test` and `npm run deploy` do where they must.
import { buildSite } from './build-site.ts';

await buildSite();
