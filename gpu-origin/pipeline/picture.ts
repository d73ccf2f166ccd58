/** Decoded pixels: red, green, blue, alpha bytes of sRGB, alpha not multiplied in, row by row from the top. */
export type Picture = { width: number; height: number; data: Uint8Array };
