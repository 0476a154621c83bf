// What a request to /purge asks for, as a value.

/** An object as an event of S3 names it: the bucket's name at S3, and the whole key. */
export type StoredObject = {
  readonly bucket: string;
  readonly key: string;
  /** When it was changed: ms since 1970. */
  readonly changed?: number;
};

export type PurgeRequest =
  /** Objects by their names, BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  | { readonly form: "objects"; readonly names: readonly string[] }
  | { readonly form: "event"; readonly objects: readonly StoredObject[] }
  | { readonly form: "bucket"; readonly name: string }
  | { readonly form: "everything" }
  /** SNS asks whether it may send here: the URL that says yes. Nobody has checked it. */
  | { readonly form: "subscription"; readonly url: string }
  /** Nothing is to be done. */
  | { readonly form: "nothing"; readonly why: string };

/** Why a text asks for nothing that is known. */
export type Unreadable = { readonly unreadable: string };
