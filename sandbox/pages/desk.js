// The page is right without this. It keeps up with what happens, except while somebody is filling in a form.
const events = new EventSource("/sandbox/events");
let behind = false;
const changed = (field) => field.type === "checkbox" ? field.checked !== field.defaultChecked
  : field.options ? [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0
  : field.type !== "hidden" && field.value !== field.defaultValue;
const busy = () => document.activeElement.closest("#desk form") !== null || [...document.querySelectorAll("#desk input, #desk select")].some(changed);
async function keepUp() {
  if (busy()) { behind = true; return; }
  behind = false;
  const answer = await fetch("/");
  if (!answer.ok || busy()) { behind = true; return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("desk");
  if (busy()) { behind = true; return; }
  document.getElementById("desk").replaceWith(document.adoptNode(fresh));
}
events.addEventListener("change", (event) => {
  if (event.data !== document.getElementById("desk").dataset.version) keepUp();
});
document.addEventListener("focusout", () => setTimeout(() => { if (behind) keepUp(); }));
addEventListener("pagehide", () => events.close());
