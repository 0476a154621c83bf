// src/index.ts of a new project: the `main` of its wrangler.toml.

export const INDEX_TS = `// The Worker. All its settings are in wrangler.toml; npm update vitrine upgrades it.

export { default, Renditions } from "vitrine";
`;
