// Reads the XML of an error of S3.

/** What S3's XML has in an element: a word, as `SignatureDoesNotMatch` or `eu-west-1`. */
export function wordIn(text: string, element: "Code" | "Region"): string | undefined {
  return new RegExp(`<${element}>([\\w.-]{1,64})</${element}>`).exec(text)?.[1];
}
