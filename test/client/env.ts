/** The part of the generated `Env` of test/support/wrangler.toml that clients read: see types.test.ts. */
export type TestEnv = {
  ROUTES: [
    { path: "/images/:preset/*"; object: "media/*" },
    {
      path: "/avatars/:user/:preset";
      object: "media/users/:user/avatar.png";
      presets: ["thumbnail"];
    },
  ];
  PRESETS: {
    thumbnail: { width: 160; height: 160; fit: "cover"; dpr: [1, 2] };
    card: { width: 480; dpr: [1, 1.5, 2] };
    hero: { width: 1920; widths: [640, 960, 1280, 1920]; quality: 80 };
  };
};
