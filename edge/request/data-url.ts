import { base64GroupCharacters, base64Length, bytesOfBase64 } from '../../contract/base64.ts';
import { imageLimits } from '../../contract/request.ts';
import { Problem } from '../../contract/problem.ts';

/**
 * Decodes a picture's data URL, `data:image/…;base64,…` (RFC 2397). Strict: only the standard alphabet, with padding.
 * Ignores the declared media type; the bytes decide. Throws the Problems `invalid_image` and `body_too_large`.
 */
export function decodeDataUrl(url: string): Uint8Array<ArrayBuffer> {
  const header = /^data:(image\/[a-z0-9.+-]+|application\/octet-stream);base64,/i.exec(url)?.[0];
  if (header === undefined) throw invalid('a data URL must begin with "data:image/<type>;base64,"');
  const base64 = url.slice(header.length);
  const bytesMax = imageLimits.dataUrlBytesMax;
  if (base64.length > base64Length(bytesMax)) {
    throw new Problem('body_too_large', `A data URL may hold at most ${bytesMax} bytes; send the file in a form.`, {
      param: 'image',
    });
  }
  // atob() alone accepts blanks and missing padding.
  if (base64.length % base64GroupCharacters !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw invalid('the data URL is not strict base64');
  }
  return bytesOfBase64(base64);
}

function invalid(why: string): Problem {
  return new Problem('invalid_image', `The image cannot be read: ${why}.`, { param: 'image' });
}
