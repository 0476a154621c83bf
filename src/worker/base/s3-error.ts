// Reads the XML of an S3 error.

/** The word in an element of the XML: `SignatureDoesNotMatch`, `eu-west-1`. */
export function wordIn(text: string, element: "Code" | "Region"): string | undefined {
  return new RegExp(`<${element}>([\\w.-]{1,64})</${element}>`).exec(text)?.[1];
}
