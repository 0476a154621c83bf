/** The configuration of the app, in which all that it is tested for takes part. */
export const APP_VARS = {
  BUCKETS: {
    media: {
      endpoint: "https://s3.eu-west-1.amazonaws.com",
      bucket: "acme-media",
      region: "eu-west-1",
    },
  },
  ROUTES: [
    { path: "/private/:preset/*", object: "media/private/*", signed: true },
    { path: "/images/:preset/*", object: "media/*" },
  ],
  PRESETS: { card: { width: 160 } },
  ANSWERS: { store: "RENDITIONS" },
} as const;
