/** What an object is by its first bytes. "none": certainly no image. "unknown": only the engine can say (A18). */
export type ObjectType =
  | `image/${"jpeg" | "png" | "gif" | "webp" | "avif" | "heic"}`
  | "none"
  | "unknown";
