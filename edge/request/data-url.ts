import { base64GroupCharacters, base64Length, bytesOfBase64 } from '../../contract/base64.ts';
import { imageLimits } from '../../contract/request.ts';
import { Problem } from '../../contract/problem.ts';

/** A media type, its parameters such as `charset`, `base64`, and blanks that some clients put after the comma. */
const beginning =
  /^data:(?:image\/[a-z0-9.+-]+|application\/octet-stream)(?:;[a-z0-9-]+=[^;,]{0,100}){0,4};base64,\s{0,8}/i;

/**
 * Decodes a picture's data URL, `data:image/…;base64,…` (RFC 2397). Line breaks of MIME and missing padding are taken;
 * another alphabet is not. Ignores the declared media type; the bytes decide. Throws the Problems `invalid_image` and
 * `body_too_large`.
 */
export function decodeDataUrl(url: string): Uint8Array<ArrayBuffer> {
  const header = beginning.exec(url)?.[0];
  if (header === undefined) throw invalid('a data URL must begin with "data:image/<type>;base64,"');
  const base64 = padded(url.slice(header.length).replaceAll(/[\r\n\t ]+/g, ''));
  const bytesMax = imageLimits.dataUrlBytesMax;
  if (base64.length > base64Length(bytesMax)) {
    throw new Problem('body_too_large', `A data URL may hold at most ${bytesMax} bytes; send the file in a form.`, {
      param: 'image',
    });
  }
  if (base64.length % base64GroupCharacters !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw invalid('the data URL is not base64');
  }
  return bytesOfBase64(base64);
}

/** Whether a text that is no URL looks like a picture in base64 that lacks the beginning of a data URL. */
export function isBareBase64(text: string): boolean {
  return text.length >= bareCharactersMin && /^[A-Za-z0-9+/\r\n]{32}/.test(text) && !text.includes('.');
}

/** No picture is shorter than this in base64. */
const bareCharactersMin = 48;

/** With the padding that some encoders leave out. One character over is no padding's lack. */
function padded(base64: string): string {
  const over = base64.length % base64GroupCharacters;
  return over >= 2 ? base64.padEnd(base64.length - over + base64GroupCharacters, '=') : base64;
}

function invalid(why: string): Problem {
  return new Problem('invalid_image', `The image cannot be read: ${why}.`, { param: 'image' });
}
