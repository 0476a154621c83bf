// The Worker. All its settings are in wrangler.toml; npm update vitrine upgrades it.

export { default, Renditions } from "vitrine";
