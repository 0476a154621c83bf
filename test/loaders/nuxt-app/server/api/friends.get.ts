import { signed } from "../../../sign.ts";
import { signedSrc } from "../../../vitrine.ts";

const KEY = "private/friends.jpg";

export default defineEventHandler(async () => signedSrc(KEY, await signed(KEY, "hero")));
