// A strict S3 on the network of msw.

import { type HttpHandler, HttpResponse, type HttpResponseResolver, http } from "msw";
import type { S3 } from "../../src/emulator/s3/s3.ts";

/** Answers what belongs to this S3. */
export function handlersOf(s3: S3): HttpHandler[] {
  const answer: HttpResponseResolver = async ({ request }) => {
    const { url, method, headers } = request;
    try {
      return await s3.fetch(url, { method, headers });
    } catch (error) {
      if (error instanceof TypeError) return HttpResponse.error(); // no answer comes
      throw error;
    }
  };
  return [http.all(({ request }) => s3.matches(request.url), answer)];
}
