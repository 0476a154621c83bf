// Signs in and out, and shows who is signed in. The server makes the token; this page never sees it.

import { find } from "./try-dialog.ts";

let isSending = false;

/** Returns whether a request is on its way that a reload would end. */
export function isSigningIn(): boolean {
  return isSending;
}

document.addEventListener("submit", (event) => {
  const { target: form } = event;
  if (!(form instanceof HTMLFormElement)) return;

  const group = groupOf(form);
  if (group === undefined) return;

  event.preventDefault();
  const claims = JSON.stringify(Object.fromEntries(new FormData(form)));
  void signIn(group, claims);
});

document.addEventListener("click", ({ target: button }) => {
  if (!(button instanceof HTMLButtonElement)) return;

  const { signInAs, signOut } = button.dataset;
  const group = button.dataset["group"] ?? groupOf(button);
  if (group === undefined) return;

  if (signInAs !== undefined) void signIn(group, signInAs);
  if (signOut !== undefined) void send(group, { method: "DELETE" }, "Signed out.");
});

/** The index of the sign-in that an element is in. */
function groupOf(element: HTMLElement): string | undefined {
  return element.closest("section")?.dataset["group"];
}

function signIn(group: string, claims: string): Promise<void> {
  return send(group, { method: "PUT", body: claims }, "Signed in.");
}

/** Signs in or out, and loads the page again: each picture is asked for anew. */
async function send(group: string, request: RequestInit, message: string): Promise<void> {
  isSending = true;
  const fault = await faultOf(`/.vitrine/sign-in/${group}`, request);
  sessionStorage.setItem("message", fault ?? message);
  location.reload();
}

/** Sends a request. @returns why it has failed; undefined: it has not */
async function faultOf(url: string, request: RequestInit): Promise<string | undefined> {
  try {
    const answer = await fetch(url, request);
    return answer.ok ? undefined : await answer.text();
  } catch (error) {
    return `${error}`;
  }
}

/** Who is signed in, as the server says it. */
type SignedIn = { readonly text: string; readonly expires: number } | null;

/** Fills in who is signed in. */
async function showSignedIn(): Promise<void> {
  const sections = [...document.querySelectorAll<HTMLElement>(".sign-in:has(form)")];
  if (sections.length === 0) return;

  const answer = await fetch("/.vitrine/sign-in");
  const all: readonly SignedIn[] = await answer.json();
  for (const section of sections) {
    const group = Number(section.dataset["group"]);
    const signedIn = all[group] ?? null;
    find("[data-signed-in]", HTMLElement, section).textContent = textOf(signedIn);
    find("[data-sign-out]", HTMLElement, section).hidden = signedIn === null;
  }
}

function textOf(signedIn: SignedIn): string {
  if (signedIn === null) return "Nobody is signed in.";

  const until = new Date(signedIn.expires * 1000).toLocaleTimeString();
  return `Signed in as ${signedIn.text}, until ${until}.`;
}

// If it fails, the page says that the local run does not answer.
void showSignedIn().catch(() => {});
