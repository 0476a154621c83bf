import { friends } from "../../../../sign.ts";

export const load = async () => ({ friends: await friends() });
