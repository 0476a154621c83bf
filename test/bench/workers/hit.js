// The gateway of the built Worker, with a cached entrypoint that answers at once.

export { default } from "vitrine.js";
export { Renditions } from "./cached.js";
