// The configuration of an isolate, read and checked once: a secret changes with a deployment (S1), which starts
// new isolates.

import { type Broken, type Config, readConfig } from "./config/config.ts";

const configs = new WeakMap<object, Config | Broken>();

export function currentConfig(env: object): Config | Broken {
  const config = configs.get(env) ?? readConfig({ ...env });
  configs.set(env, config);
  return config;
}
