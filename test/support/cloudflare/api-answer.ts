// The form of all answers of Cloudflare's API, and of the requests to it.

/** A request as the API sees it. */
export type ApiRequest = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** A form of wrangler is no UTF-8: each byte is a character. */
  readonly body: string;
  readonly jurisdiction: string | undefined;
};

export type ApiError = {
  readonly code: number;
  readonly message: string;
  readonly error_chain?: readonly ApiError[];
  readonly source?: { readonly pointer: string };
};

export type ApiAnswer = {
  readonly status: number;
  readonly result: unknown;
  readonly errors: readonly ApiError[];
  /** Of a list. */
  readonly result_info?: object;
};

export function accept(result: unknown): ApiAnswer {
  return { status: 200, result, errors: [] };
}

export function refuse(
  status: number,
  code: number,
  message: string,
  more: Omit<ApiError, "code" | "message"> = {},
): ApiAnswer {
  return { status, result: null, errors: [{ code, message, ...more }] };
}

export function envelopeOf({ status, ...answer }: ApiAnswer): string {
  return JSON.stringify({ success: status < 300, messages: [], ...answer });
}
