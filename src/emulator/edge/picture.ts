// What a picture is. Apart from frames.ts, because published types have it: those there need sharp's.

/** In px. */
export type Size = { readonly width: number; readonly height: number };

/** Pixels of sRGB: four bytes each (red, green, blue, alpha), row by row, not premultiplied. */
export type Picture = Size & { readonly data: Uint8Array };
