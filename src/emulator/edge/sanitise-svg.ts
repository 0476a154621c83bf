// Removes from an SVG what could run or load something (R8). It is not a complete sanitiser: it only
// removes the best-known dangers, as the edge documents them.

export function sanitiseSvg(svg: string): Uint8Array {
  const harmless = svg
    .replace(/<(script|foreignObject|iframe)\b.*?<\/\1\s*>/gis, "")
    .replace(/<(script|foreignObject|iframe)\b[^>]*\/?>/gi, "")
    .replace(/\son\w+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi, "")
    .replace(/\s(?:xlink:)?href\s*=\s*(?:"(?!#)[^"]*"|'(?!#)[^']*')/gi, "");
  return new TextEncoder().encode(harmless);
}
