/** The bundle that is deployed, which test/support/built.ts makes. */
declare module "built-worker" {
  export { default } from "../../src/worker/index.ts";
}
