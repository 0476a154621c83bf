import { HARD } from "../../../keys.ts";
import { signed } from "../../../sign.ts";
import { signedSrc } from "../../../vitrine.ts";

export default defineEventHandler(async () => signedSrc(HARD, await signed(HARD, "hero")));
