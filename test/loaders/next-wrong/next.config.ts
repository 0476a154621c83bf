export { default } from "../next-app/next.config.ts";
