import { getPath } from 'hono/utils/url';
import { privateAccess } from '../meshes/asset-url.ts';
import { parseAssetFile } from '../store/asset.ts';
import type { Handler } from './hot-routes.ts';
import { noSuchAsset, serveAsset, wholeFromMemory, type AssetStores } from './serve-asset.ts';

/**
 * `GET` and `HEAD /assets/:file`, where file is `<sha256>.<extension>`: a download that needs no API key. The URL of a
 * private asset is signed.
 */
export function getAsset({ urlSecret, ...stores }: AssetStores & { urlSecret: string }): Handler {
  return async (context) => {
    context.asset = { tier: 'none', sentBytes: null };
    const { url } = context.request;
    const name = parseAssetFile(getPath(context.request).slice('/assets/'.length));
    if (!name) throw noSuchAsset();
    const isPublic = !url.includes('?');
    const whole = isPublic ? wholeFromMemory(context, name) : null;
    if (whole !== null) return whole;
    const meshKey = isPublic ? null : await privateAccess(new URL(url), name, urlSecret);
    const access = meshKey === null ? ({ life: 'immutable' } as const) : ({ life: 'private', meshKey } as const);
    return serveAsset(context, { ...stores, name, access });
  };
}
