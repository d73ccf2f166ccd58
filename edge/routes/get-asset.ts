import { getPath } from 'hono/utils/url';
import { privateAccess } from '../meshes/asset-url.ts';
import { parseAssetFile } from '../store/asset.ts';
import type { Handler } from './hot-routes.ts';
import { noSuchAsset, serveAsset, type AssetStores } from './serve-asset.ts';

/**
 * `GET` and `HEAD /assets/:file`, where file is `<sha256>.<extension>`: a download that needs no API key. The URL of a
 * private asset is signed.
 */
export function getAsset({ urlSecret, ...stores }: AssetStores & { urlSecret: string }): Handler {
  return async (context) => {
    context.assetTier = 'none';
    const { url } = context.request;
    const name = parseAssetFile(getPath(context.request).slice('/assets/'.length));
    if (!name) throw noSuchAsset();
    // Parsing a URL, and waiting, are a good part of what a public hit costs.
    const meshKey = url.includes('?') ? await privateAccess(new URL(url), name, urlSecret) : null;
    const access = meshKey === null ? ({ life: 'immutable' } as const) : ({ life: 'private', meshKey } as const);
    return serveAsset(context, { ...stores, name, access });
  };
}
