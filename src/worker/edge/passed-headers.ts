// The headers of the edge that may be passed on (R7). Pure.

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const EDGE_TAG = /^(?:W\/)?"cf[!#-~\x80-\xff]*"$/; // R4

/**
 * Returns three headers of an image, where they are there and have the right form.
 * @param standsIn whether it stands in for the URL's own image. Both have the same date: a condition on
 *   it would keep what stands in
 */
export function passedHeaders(edge: Headers, standsIn: boolean): Record<string, string> {
  const passed: Record<string, string> = {};
  const copy = (name: string, form: RegExp) => {
    const value = edge.get(name);
    if (value && form.test(value)) passed[name] = value;
  };
  copy("etag", EDGE_TAG);
  if (!standsIn) copy("last-modified", HTTP_DATE);
  if (!edge.has("content-encoding")) copy("content-length", /^\d+$/);
  return passed;
}
