/** What an engine made of an object, and its guard let pass; or facts, as JSON. */
export type Rendition = {
  readonly body: ReadableStream | null;
  readonly type: string;
  /** As content-length writes it, if it is known: bytes. */
  readonly length: string | undefined;
};
