// The page is right without this. It keeps up with what happens, except while somebody is filling in a form.
const events = new EventSource("/sandbox/events");
let behind = false;
const busy = () => document.activeElement && document.activeElement.matches("#desk input, #desk select");
async function keepUp() {
  behind = false;
  const answer = await fetch("/");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("desk");
  document.getElementById("desk").replaceWith(document.adoptNode(fresh));
}
events.addEventListener("change", (event) => {
  if (event.data === document.getElementById("desk").dataset.version) return;
  if (busy()) behind = true; else keepUp();
});
document.addEventListener("focusout", () => setTimeout(() => { if (behind && !busy()) keepUp(); }));
addEventListener("pagehide", () => events.close());
