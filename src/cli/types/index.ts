// npm run types: writes the type of Env, and with it the names of the presets, from wrangler.toml.

import { writeFileSync } from "node:fs";
import { experimental_generateTypes } from "wrangler";

const { path, content } = await experimental_generateTypes({
  config: "wrangler.toml",
  includeRuntime: false,
});
writeFileSync(path, content);
