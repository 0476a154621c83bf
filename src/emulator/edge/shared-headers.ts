// The only headers of the Worker that reach an origin, and only with `origin-auth` (E1, E2).

export const SHARED: readonly string[] = [
  ...["authorization", "cookie", "x-amz-content-sha256", "x-amz-date"],
  ...["x-ms-date", "x-ms-version", "x-sa-date"],
  ...["cf-access-client-id", "cf-access-client-secret"],
];
