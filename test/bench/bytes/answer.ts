// What a browser gets.

export type Answer =
  | { readonly kind: "picture"; readonly bytes: Uint8Array }
  | { readonly kind: "nothing"; readonly status: number };
