// Tells whether an answer holds an original.

type Objects = ReadonlyMap<string, { readonly body: Uint8Array }>;

/** The objects of a bucket, each with whether a body holds the whole or a part of it. */
export function originalsOf(objects: Objects) {
  return [...objects].map(([key, { body: original }]) => {
    const half = original.length / 2;
    const middle = Buffer.from(original.subarray(half, half + 48));

    // Not for a picture of one colour: its renditions have the same bytes.
    const isTelling = new Set(middle).size > 8;
    const isIn = (body: Buffer) =>
      (isTelling && body.includes(middle)) || (original.length > 0 && body.equals(original));

    return { key, isIn };
  });
}
