/** The bundle that is deployed, which test/built.ts makes. */
declare module "built-worker" {
  export { default } from "../src/index.ts";
}
