// A real OpenID provider replaces its keys while it runs. Whoever logs in before, meanwhile and after that sees their
// pictures. Here the clock is moved, so the Worker runs as a function.

import { expect, test, vi } from "vitest";
import { ENV } from "../../support/env.ts";
import { network } from "../../support/network.ts";
import { get, put, settle, stopDate, wait } from "../../support/run-worker.ts";
import { ALGORITHMS, createJwks } from "./libraries.ts";
import {
  handlersOfLogin,
  IMAGES,
  LOGIN,
  LOGIN_KEYS,
  logIn,
  startLoginServer,
} from "./login-server.ts";

const MINUTE = 60;

const ROUTES = [
  {
    path: "/users/:user/:preset/*",
    object: "media/users/:user/*",
    token: { issuer: LOGIN, audience: IMAGES, keys: LOGIN_KEYS, claims: { sub: ":user" } },
  },
];

test("tokens open before, while and after a provider replaces its keys, and its old ones no more", async () => {
  // The provider warns of its defaults.
  vi.spyOn(console, "info").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
  stopDate();
  put("users/alice/key.jpg", "made/key.jpg");
  const env = { ...ENV, ROUTES };
  const login = await startLoginServer(fetch);

  let keyRequests = 0;
  network.use(
    ...handlersOfLogin(login, () => {
      keyRequests += 1;
    }),
  );
  const logInWithEach = async () => {
    const logins = ALGORITHMS.map((alg) => logIn(login, "alice", alg));
    return (await Promise.all(logins)).map(({ accessToken }) => accessToken);
  };
  const show = async (tokens: readonly string[]) => {
    const statuses = new Set<number>();
    for (const token of tokens) {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await get("/users/alice/card/key.jpg", { headers }, env);
      statuses.add(answer.status);
      await settle();
    }
    return [...statuses];
  };

  const first = createJwks("first");
  const second = createJwks("second");
  login.use(first);
  const before = await logInWithEach();
  expect([await show(before), keyRequests]).toEqual([[200], 1]);

  // The provider signs with the first key that it publishes. A kid that is not known yet is asked for.
  login.use([...second, ...first]);
  wait(MINUTE);
  const meanwhile = await logInWithEach();
  expect([await show(meanwhile), await show(before), keyRequests]).toEqual([[200], [200], 2]);

  // The keys are asked for again while the ones of before still open, so this visitor does not wait.
  login.use(second);
  wait(11 * MINUTE);
  const [last = ""] = meanwhile;
  expect([await show([last]), keyRequests]).toEqual([[200], 3]);
  const after = await logInWithEach();
  expect([await show(after), await show(meanwhile), await show(before)]).toEqual([
    [200],
    [200],
    [404],
  ]);
  await login.close();
});
