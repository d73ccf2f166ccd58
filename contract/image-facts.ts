import type { CodedColour } from './coded-colour.ts';

/** What a header says: width and height in pixels, before any EXIF orientation; the colours' code points, if any. */
export type ImageFacts = { width: number; height: number; colour?: CodedColour | null };
