// The headers of a request of the gateway to the cached entrypoint.

/** The header that tells how long the visitor still waits: ms. No header is part of the cache key (W3). */
export const TIME_LEFT = "vitrine-left";

/** The header that tells that no visitor asked for the object: it is a fallback. */
export const AS_FALLBACK = "vitrine-fallback";
