import type { ImgProps } from "./vitrine.ts";

/** Returns an <img> as text. */
export function imgTag(fig: ImgProps): string {
  const encode = (value: unknown) => `${value}`.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const attributes = Object.entries(fig).map(([name, value]) => `${name}="${encode(value)}"`);
  return `<img ${attributes.join(" ")}>`;
}
