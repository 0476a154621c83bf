// Signs in and out, and shows who is signed in. The server makes the token; this page never sees it.

import { find } from "./try-dialog.ts";

let isSending = false;

/** Returns whether a request is on its way that a reload would end. */
export function isSigningIn(): boolean {
  return isSending;
}

/** Signs in or out, and loads the page again: each picture is asked for anew. */
async function change(group: string, request: RequestInit, message: string): Promise<void> {
  isSending = true;
  const url = `/.vitrine/sign-in/${group}`;
  const answer = await fetch(url, request).catch((error) => new Response(error, { status: 502 }));
  sessionStorage.setItem("message", answer.ok ? message : await answer.text());
  location.reload();
}

function signIn(group: string, claims: string): Promise<void> {
  return change(group, { method: "PUT", body: claims }, "Signed in.");
}

document.addEventListener("submit", (event) => {
  const { target: form } = event;
  const group = form instanceof HTMLFormElement && form.closest("section")?.dataset["group"];
  if (!group) return;
  event.preventDefault();
  void signIn(group, JSON.stringify(Object.fromEntries(new FormData(form))));
});

document.addEventListener("click", ({ target: button }) => {
  if (!(button instanceof HTMLButtonElement)) return;
  const { signInAs, signOut } = button.dataset;
  const group = button.dataset["group"] ?? button.closest("section")?.dataset["group"];
  if (group === undefined) return;
  if (signInAs !== undefined) void signIn(group, signInAs);
  if (signOut !== undefined) void change(group, { method: "DELETE" }, "Signed out.");
});

/** Who is signed in, as the server says it. */
type SignedIn = { readonly text: string; readonly expires: number } | null;

/** Fills in who is signed in. */
async function showSignedIn(): Promise<void> {
  const sections = [...document.querySelectorAll<HTMLElement>(".sign-in:has(form)")];
  if (sections.length === 0) return;

  const answer = await fetch("/.vitrine/sign-in");
  const all: readonly SignedIn[] = await answer.json();
  for (const section of sections) {
    const signedIn = all[Number(section.dataset["group"])];
    const until = new Date((signedIn?.expires ?? 0) * 1000).toLocaleTimeString();
    const text = signedIn
      ? `Signed in as ${signedIn.text}, until ${until}.`
      : "Nobody is signed in.";
    find("[data-signed-in]", HTMLElement, section).textContent = text;
    find("[data-sign-out]", HTMLElement, section).hidden = !signedIn;
  }
}
void showSignedIn().catch(() => {}); // the page says that the local run does not answer
