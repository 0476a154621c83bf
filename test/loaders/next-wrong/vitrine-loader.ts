export { default } from "../next-app/vitrine-loader.ts";
