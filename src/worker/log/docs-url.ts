// The address of the documents, to which each line of the log leads. Lines are written where no configuration is at hand,
// so an isolate has it here: it is the same for all requests of a deployment.

let docsUrl: string | undefined;

/** @param url the site of the documents: `https://docs.example.com`. Undefined: there is none */
export function setDocsUrl(url: string | undefined): void {
  docsUrl = url;
}

/** Returns where an event is explained: on the site, else in the file. */
export function pageOfEvent(event: string): string {
  if (docsUrl === undefined) return `docs/errors.md#${event}`;
  return `${docsUrl}/docs/errors#${event}`;
}
